from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.descriptors.segment import Block, Row, Stamp, read_segment, segment_path, write_segment
from lofivpr.errors import LofiError

texts = st.text(st.characters(codec="utf-8"), max_size=12)
stamps = st.builds(Stamp, st.integers(0, 2**62), st.integers(0, 2**62))
counts = st.integers(-1, 2**62)
rows = st.builds(Row, texts, counts, st.none() | texts, st.none() | stamps, st.none() | texts, counts, counts)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(rows, min_size=1, max_size=9),
    st.integers(1, 5),
    st.sampled_from(["float32", "float16"]),
    st.integers(0, 2**32 - 1),
)
def test_round_trip(rows: list[Row], dimension: int, dtype: str, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(len(rows), dimension)).astype(dtype)
    with tempfile.TemporaryDirectory() as folder:
        path = segment_path(Path(folder), 7)
        write_segment(path, Block(tuple(rows), values), "key")
        block = read_segment(path, "key")
        streamed = any(row.sent_frames >= 0 for row in rows)  # else the columns of streams are left out
        assert block.rows == tuple(row if streamed else replace(row, sent_bytes=-1, sent_frames=-1) for row in rows)
        assert block.descriptors.dtype == values.dtype
        np.testing.assert_array_equal(block.descriptors, values)


def block(n: int = 3) -> Block:
    return Block(tuple(Row(f"{i}.jpg", picture=str(i)) for i in range(n)), np.ones((n, 4), np.float32))


def test_other_tools_read_a_segment(tmp_path: Path) -> None:
    write_segment(tmp_path / "s.arrow", block(), "key")
    table = pa.ipc.open_file(str(tmp_path / "s.arrow")).read_all()
    assert table.column("image").to_pylist() == ["0.jpg", "1.jpg", "2.jpg"]
    assert table.column("n_bytes").null_count == 3
    assert table.column("descriptor").to_pylist() == [[1.0] * 4] * 3


def test_descriptors_are_a_view_that_cannot_be_written(tmp_path: Path) -> None:
    write_segment(tmp_path / "s.arrow", block(), "key")
    found = read_segment(tmp_path / "s.arrow", "key").descriptors
    with pytest.raises(ValueError, match="read-only"):
        found[0, 0] = 5


def test_any_truncation_is_found(tmp_path: Path) -> None:
    path = tmp_path / "s.arrow"
    write_segment(path, block(), "key")
    whole = path.read_bytes()
    for length in range(0, len(whole), 37):
        path.write_bytes(whole[:length])
        with pytest.raises(LofiError, match="expected a segment"):
            read_segment(path, "key")


def test_missing_and_foreign_segments_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LofiError, match="Build the store again"):
        read_segment(tmp_path / "none.arrow", "key")
    write_segment(tmp_path / "s.arrow", block(), "another")
    with pytest.raises(LofiError, match="key key, found another store's another"):
        read_segment(tmp_path / "s.arrow", "key")


def test_an_arrow_file_of_other_columns_is_refused(tmp_path: Path) -> None:
    table = pa.table({"x": [1]})
    with pa.ipc.new_file(str(tmp_path / "s.arrow"), table.schema) as writer:
        writer.write_table(table)
    with pytest.raises(LofiError, match="expected a segment"):
        read_segment(tmp_path / "s.arrow", "key")


def test_a_block_has_one_descriptor_a_row() -> None:
    with pytest.raises(ValueError, match="expected 1 x D"):
        Block((Row("a.jpg"),), np.zeros((2, 3), np.float32))


def test_the_pictures_digest_depends_on_contents_and_order() -> None:
    def of(*pictures: str | None) -> str:
        rows = tuple(Row("same.jpg", picture=picture) for picture in pictures)
        return Block(rows, np.zeros((len(rows), 1), np.float32)).pictures_digest

    assert of("a", "b") == of("a", "b")
    assert len({of("a", "b"), of("b", "a"), of("ab", ""), of("a"), of(None, "ab")}) == 5
