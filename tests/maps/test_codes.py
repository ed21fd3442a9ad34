from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.maps import codes
from lofivpr.maps.codes import CodeBlock, check_dtype, check_rows, train, write_block

Unit = Callable[..., np.ndarray]


def block(path: Path, dtype: str, rows: np.ndarray) -> CodeBlock:
    code = train(dtype, rows)
    write_block(path, code, rows)
    return CodeBlock(path)


def slowly(queries: np.ndarray, rows: np.ndarray, k: int, wanted: np.ndarray) -> list[list[int]]:
    """The k nearest wanted rows of each query, by a loop."""
    found = []
    for query in queries:
        distance = [float(((query.astype(np.float64) - row.astype(np.float64)) ** 2).sum()) for row in rows]
        found.append(sorted((row for row in range(len(rows)) if wanted[row]), key=lambda row: distance[row])[:k])
    return found


@pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
def test_what_is_kept_is_as_exact_as_the_format(tmp_path: Path, unit_rows: Unit, dtype: str) -> None:
    rows = unit_rows(300)
    kept = block(tmp_path / "block", dtype, rows).decode(np.arange(300))
    if dtype == "int8":  # a step of 1/255 of the range of each dimension, and half of it is the worst rounding
        assert (np.abs(kept - rows) <= (rows.max(axis=0) - rows.min(axis=0)) / 255 * 1.01).all()
        assert np.abs(kept - rows).max() > 1e-4
    else:
        np.testing.assert_array_equal(kept, rows.astype(dtype).astype(np.float32))


def test_product_quantization_keeps_so_many_bytes(tmp_path: Path, unit_rows: Unit) -> None:
    rows = unit_rows(300, 128)
    found = block(tmp_path / "block", "pq64", rows)
    assert found.codes.shape == (300, 64)
    error = ((found.decode(np.arange(300)) - rows) ** 2).sum(axis=1)
    assert error.max() < 0.1  # 256 centres of 300 pairs of numbers


@pytest.fixture(scope="module", params=["float32", "float16", "int8", "pq64"])
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, unit_rows: Unit) -> CodeBlock:
    """300 rows of 64 numbers in each format."""
    return block(tmp_path_factory.mktemp("blocks") / "block", request.param, unit_rows(300, 64))


@pytest.mark.parametrize("share", [None, 0.0, 0.004, 0.3, 0.6, 0.99])
@pytest.mark.parametrize("few", [1, 64])
def test_the_nearest_wanted_rows_are_found(
    made: CodeBlock, unit_rows: Unit, monkeypatch: pytest.MonkeyPatch, share: float | None, few: int
) -> None:
    monkeypatch.setattr(codes, "FEW", few)
    queries = unit_rows(5, 64, seed=1)
    mask = None if share is None else np.random.default_rng(2).random(300) < share
    wanted = np.ones(300, bool) if mask is None else mask
    distances, found = made.nearest(queries, 7, mask)
    kept = made.decode(np.arange(300))
    expected = slowly(queries, kept, 7, wanted)
    for query, best, rows_found, far in zip(queries, expected, found, distances, strict=True):
        assert rows_found[: len(best)].tolist() == best
        np.testing.assert_allclose(far[: len(best)], ((query - kept[best]) ** 2).sum(axis=1), rtol=2e-5)
        assert (rows_found[len(best) :] == -1).all() and np.isinf(far[len(best) :]).all()


def test_of_equal_rows_the_lower_comes_first(tmp_path: Path, unit_rows: Unit) -> None:
    rows = np.tile(unit_rows(10), (30, 1))
    made = block(tmp_path / "block", "float16", rows)
    wanted = np.ones(300, bool)
    wanted[3] = False
    assert made.nearest(unit_rows(10)[3:4], 4, None)[1].tolist() == [[3, 13, 23, 33]]
    assert made.nearest(unit_rows(10)[3:4], 4, wanted)[1].tolist() == [[13, 23, 33, 43]]


def test_opening_reads_nothing_of_the_rows(tmp_path: Path, unit_rows: Unit) -> None:
    block(tmp_path / "block", "float16", unit_rows(1000, 64))
    opened = CodeBlock(tmp_path / "block")
    assert not opened.codes.flags.owndata
    maps = Path("/proc/self/maps")
    assert not maps.exists() or str(tmp_path / "block") in maps.read_text()


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"IxSQ")])
def test_a_damaged_block_is_told(tmp_path: Path, unit_rows: Unit, damage: Callable[[Path], object]) -> None:
    block(tmp_path / "block", "float16", unit_rows(10))
    damage(tmp_path / "block")
    with pytest.raises(LofiError, match="missing or damaged.*lofivpr map check"):
        CodeBlock(tmp_path / "block")


@pytest.mark.parametrize(
    ("dtype", "message"),
    [("float64", "float32, float16, int8"), ("pq32", "pq64 to pq512"), ("pq96", "Choose pq64, pq128, pq256, pq512")],
)
def test_a_format_that_does_not_fit_is_refused(dtype: str, message: str) -> None:
    with pytest.raises(LofiError, match=message):
        check_dtype(dtype, 1024)


def test_a_codebook_needs_rows() -> None:
    check_rows("pq64", 256)
    check_rows("int8", 1)
    with pytest.raises(LofiError, match="at least 256 places to learn pq64 from, found 255"):
        check_rows("pq64", 255)
