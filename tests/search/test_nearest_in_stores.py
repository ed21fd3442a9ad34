from __future__ import annotations

import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from lofivpr.descriptors import DescriptorStore
from lofivpr.descriptors.manifest import Maker, Manifest, SkippedPicture
from lofivpr.descriptors.segment import Block, Row, segment_path, write_segment
from lofivpr.search import nearest


def unit(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    values = rng.normal(size=(n, d))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


def write_store(folder: Path, values: np.ndarray, skipped: Sequence[int] = (), dtype: str = "float32") -> None:
    """A store without pictures or a model."""
    n, dimension = values.shape
    maker = Maker(
        model="m", model_digest="m", quality="raw", quality_digest="raw", images_digest="i", rows=n,
        dimension=dimension, dtype=dtype,
    )  # fmt: skip
    bad = tuple(SkippedPicture(index=i, image=f"{i}.jpg", reason="bad") for i in skipped)
    manifest = Manifest(maker=maker, complete=True, skipped=bad)
    for number in range(manifest.n_blocks):
        rows = manifest.rows_of(number)
        part = values[rows.start : rows.stop].astype(dtype)
        part[[i - rows.start for i in skipped if i in rows]] = 0
        block = Block(tuple(Row(f"{i}.jpg") for i in rows), part)
        write_segment(segment_path(folder, number), block, manifest.block_key(number))
    manifest.write(folder)


class TestStores:
    @pytest.mark.parametrize("chunk_rows", [None, 1, 64, 100, 1000])
    @pytest.mark.parametrize("dtype", ["float32", "float16"])
    def test_a_store_is_its_array(self, tmp_path: Path, chunk_rows: int | None, dtype: str) -> None:
        rng = np.random.default_rng(0)
        q, d = unit(rng, 30, 16), unit(rng, 300, 16)
        write_store(tmp_path, d, dtype=dtype)
        store = DescriptorStore.open(tmp_path)
        found, expected = nearest(q, store, 9, chunk_rows=chunk_rows), nearest(q, d.astype(dtype), 9)
        np.testing.assert_array_equal(found.indices, expected.indices)
        np.testing.assert_array_equal(found.distances, expected.distances)

    @pytest.mark.parametrize("chunk_rows", [None, 70])
    def test_skipped_pictures_are_never_found(self, tmp_path: Path, chunk_rows: int | None) -> None:
        """A row of zeros is nearer to a unit vector than most places are: it would win."""
        rng = np.random.default_rng(0)
        q, d = unit(rng, 30, 16), unit(rng, 150, 16)
        skipped = [0, 63, 64, 149]
        write_store(tmp_path, d, skipped)
        found = nearest(q, DescriptorStore.open(tmp_path), 150, chunk_rows=chunk_rows)
        kept = np.setdiff1d(np.arange(150), skipped)
        distances = ((q[:, None].astype(float) - d[kept].astype(float)) ** 2).sum(axis=2)
        np.testing.assert_array_equal(found.indices[:, :146], kept[np.argsort(distances, axis=1)])
        assert (found.indices[:, 146:] == -1).all()
        assert not np.isin(found.indices, skipped).any()
        assert np.isin(nearest(q, DescriptorStore.open(tmp_path).array(), 150).indices, skipped).any()


def test_memory_is_bounded_by_the_chunk(tmp_path: Path) -> None:
    """A store of 64 MB is searched in far less, 512 rows at a time."""
    values = np.random.default_rng(0).normal(size=(4096, 4096)).astype(np.float32)
    write_store(tmp_path, values)
    queries = values[:32].copy()
    del values
    tracemalloc.start()
    found = nearest(queries, DescriptorStore.open(tmp_path), 3, chunk_rows=512)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found.indices[:, 0], np.arange(32))
    assert peak < 40e6, f"{peak / 1e6:.0f} MB"
