from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from lofivpr.descriptors.manifest import MANIFEST, Maker, Manifest, SkippedPicture, StaleStoreError
from lofivpr.errors import LofiError
from lofivpr.quality import Quality

MAKER = Maker(
    model="m",
    model_digest="m1",
    quality="60p",
    quality_digest="q1",
    images_digest="i1",
    rows=130,
    dimension=8,
    dtype="float32",
)
OTHERS = {
    "model_digest": ("m2", "the model"),
    "quality_digest": ("q2", "the quality"),
    "images_digest": ("i2", "the list of pictures"),
    "rows": (131, "the number of pictures"),
    "dimension": (9, "the dimension"),
    "dtype": ("float16", "the number format"),
    "code": (2, "the version"),
    "precision": ("bfloat16", "the model"),
}


@pytest.mark.parametrize("field", OTHERS)
def test_each_difference_is_named_with_both_values(field: str) -> None:
    value, label = OTHERS[field]
    other = MAKER.model_copy(update={field: value})
    (phrase,) = MAKER.differences(other)
    assert label in phrase
    unsaid = field == "precision"  # float32 is
    assert (unsaid or str(getattr(MAKER, field)) in phrase.split(" but ")[0]) and str(value) in phrase.split(" but ")[1]
    assert other.key != MAKER.key


def test_a_name_alone_is_no_difference() -> None:
    renamed = MAKER.model_copy(update={"model": "copy", "quality": "same thing, other words"})
    assert MAKER.differences(renamed) == [] and MAKER.key == renamed.key


def test_the_precision_is_the_describers(describer: Any) -> None:
    plain = Maker.of(describer, ["a"], None, "float32")
    describer.precision = "bfloat16"
    assert plain.precision == "float32" and Maker.of(describer, ["a"], None, "float32").precision == "bfloat16"


def test_a_manifest_without_a_precision_is_of_float32(tmp_path: Path) -> None:
    (tmp_path / MANIFEST).write_text(json.dumps({"maker": MAKER.model_dump(exclude={"precision"})}))
    assert Manifest.read(tmp_path).maker == MAKER


def test_raw_and_no_quality_are_one(describer: object) -> None:
    raw, none = (Maker.of(describer, ["a"], q, "float32") for q in (Quality.parse("raw"), None))
    assert raw == none and raw.quality == "raw"
    assert Maker.of(describer, ["a"], Quality.parse("jpeg:10"), "float32").differences(raw)


def test_the_list_of_pictures_counts_in_order(describer: object) -> None:
    lists = (["a", "b"], ["b", "a"], ["ab", ""], ["a", "b", ""])
    assert len({Maker.of(describer, images, None, "float32").images_digest for images in lists}) == 4


@settings(deadline=None)
@given(st.integers(1, 2000), st.integers(1, 100))
def test_blocks_hold_every_row_once_in_order(rows: int, block_rows: int) -> None:
    manifest = Manifest(maker=MAKER.model_copy(update={"rows": rows}), block_rows=block_rows)
    parts = [manifest.rows_of(block) for block in range(manifest.n_blocks)]
    assert [row for part in parts for row in part] == list(range(rows))
    assert all(len(part) == block_rows for part in parts[:-1]) and len(parts[-1]) > 0
    assert len({manifest.block_key(block) for block in range(manifest.n_blocks)}) == manifest.n_blocks


def test_written_and_read_again(tmp_path: Path) -> None:
    skipped = SkippedPicture(index=3, image="\u00e9.jpg", reason="cut")
    manifest = Manifest(maker=MAKER, complete=True, pictures=("a", "b", "c"), skipped=(skipped,))
    manifest.write(tmp_path)
    assert Manifest.read(tmp_path) == manifest


@pytest.mark.parametrize("text", ["", "{", "[]", '{"maker": {}}', MAKER.model_dump_json()])
def test_a_damaged_manifest_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / MANIFEST).write_text(text)
    with pytest.raises(LofiError, match="Delete the folder"):
        Manifest.read(tmp_path)


def test_no_manifest(tmp_path: Path) -> None:
    with pytest.raises(LofiError, match="expected a descriptor store"):
        Manifest.read(tmp_path)


def test_the_stale_error_says_what_and_how_to_rebuild() -> None:
    error = StaleStoreError.of(Path("cache/store"), ["the model is x"])
    assert isinstance(error, LofiError)
    assert "the model is x" in str(error) and "delete the folder cache/store" in str(error)


def test_values_are_frozen_and_checked() -> None:
    with pytest.raises(ValidationError):
        MAKER.rows = 5  # type: ignore[misc]
    with pytest.raises(ValidationError):
        Maker(**{**MAKER.model_dump(), "rows": 0})
