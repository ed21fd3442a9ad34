"""Recall of many queries, positives of many pictures, exact search: time, and memory by the number of pictures."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from benchmarks.baselines import nearest_in_ram, positives_by_all_pairs, recall_by_loop
from benchmarks.timing import Row, in_own_process, product_flops, scaled, seconds
from lofivpr.evaluation import recall_at
from lofivpr.places import Places, Positives
from lofivpr.search import nearest

QUERIES = 512
NEIGHBOURS = 25
SIZES = (1_000, 10_000, 100_000, 1_000_000)


def rows() -> list[Row]:
    """Recall, positives, then search from small to large."""
    return [_recall(), *_positives(), *_search(100_000, 4096), *_growth(512)]


def _recall() -> Row:
    """25 neighbours, 50 positives each."""
    number = scaled(2000, 20)
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 20_000, (number, NEIGHBOURS))
    positives = [np.unique(rng.integers(0, 20_000, 50)) for _ in range(number)]
    loop, ours = seconds(lambda: recall_by_loop(indices, positives)), seconds(lambda: recall_at(indices, positives))
    return Row(f"recall@{{1..25}} of {number:,} queries", "a Python loop", loop, ours)


def _positives() -> list[Row]:
    """25 m in a city of 20 m between pictures: the same rows by either way, checked."""
    sizes = scaled(2_000, 50), scaled(50_000, 500)
    used = [in_own_process(f"benchmarks.evaluation:positives_{way}", *sizes) for way in ("pairs", "index")]
    what = f"positives within 25 m, {sizes[0]:,} queries in {sizes[1]:,} pictures"
    return [
        Row(what, "all pairs", used[0].seconds, used[1].seconds),
        Row(f"{what}: memory", "all pairs", used[0].mib, used[1].mib, "MiB"),
    ]


def positives_pairs(queries: int, database: int) -> Callable[[], object]:
    """The job of the baseline."""
    sides = [_city(number, seed) for seed, number in enumerate((queries, database))]
    asked, held = (side.xy() for side in sides)
    return lambda: positives_by_all_pairs(asked, held, 25.0)


def positives_index(queries: int, database: int) -> Callable[[], object]:
    """Our job."""
    sides = [_city(number, seed) for seed, number in enumerate((queries, database))]
    return lambda: Positives.parse("25m").find(*sides)


def _city(number: int, seed: int) -> Places:
    side = 20 * np.sqrt(number)
    x, y = np.random.default_rng(seed).uniform(0, side, (2, number))
    images = [f"{seed}-{i}.jpg" for i in range(number)]
    return Places.from_table(Path("pictures"), pa.table({"image": images, "easting": x, "northing": y}))


def _search(number: int, dimension: int) -> list[Row]:
    """A file of float16 rows, against all of it in memory as float32 with all distances."""
    number = scaled(number, 2000)
    what = f"exact search, {QUERIES} queries in {number:,} x {dimension:,}"
    with TemporaryDirectory() as folder:
        path = _written(Path(folder), number, dimension)
        ram, ours = (in_own_process(f"benchmarks.evaluation:search_{way}", path) for way in ("ram", "chunks"))
    product = 2 * QUERIES * number * dimension / _flops()
    return [
        Row(what, "one matrix of distances, sorted", ram.seconds, ours.seconds, "s", product, "one matrix product"),
        Row(f"{what}: memory", "everything in memory", ram.mib, ours.mib, "MiB"),
    ]


def _growth(dimension: int) -> list[Row]:
    """The same search from 1k to 1M rows: memory must stay, time must grow no faster than rows."""
    sizes = [scaled(size, 100 * (i + 1)) for i, size in enumerate(SIZES)]
    with TemporaryDirectory() as folder:
        used = []
        for size in sizes:
            path = _written(Path(folder), size, dimension)
            used.append(in_own_process("benchmarks.evaluation:search_chunks", path))
            Path(path).unlink()
    slope = np.polyfit(np.log(sizes[-2:]), np.log([max(one.seconds, 1e-6) for one in used[-2:]]), 1)[0]
    named = f"exact search in {sizes[-1]:,} x {dimension}, {QUERIES} queries"
    product = 2 * QUERIES * sizes[-1] * dimension / _flops()
    # The baseline is what this very search would take if it grew in proportion from the size before.
    in_proportion = used[-2].seconds * sizes[-1] / sizes[-2]
    text = " -> ".join(f"{one.mib:.0f}" for one in used)
    return [
        Row(f"{named}: time grows as rows to the power {slope:.2f}", f"in proportion from {sizes[-2]:,} rows",
            in_proportion, used[-1].seconds, "s", product, "one matrix product"),
        Row(f"{named}: memory, {text} MiB from {sizes[0]:,} rows on", "all rows and distances as float32",
            sizes[-1] * 4 * (dimension + QUERIES) / 2**20, used[-1].mib, "MiB"),
    ]  # fmt: skip


def _written(folder: Path, number: int, dimension: int, chunk: int = 8192) -> str:
    """Unit rows as float16 in a .npy file, written a chunk at a time."""
    path = folder / f"{number}.npy"
    out = np.lib.format.open_memmap(path, "w+", np.float16, (number, dimension))
    for start in range(0, number, chunk):
        size = len(out[start : start + chunk])
        rows = np.random.default_rng(start).standard_normal((size, dimension), np.float32)
        out[start : start + size] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    out.flush()
    return str(path)


def _asked(path: str) -> tuple[np.ndarray, np.ndarray]:
    """Queries near rows of the file, and the file."""
    database = np.load(path, mmap_mode="r")
    rng = np.random.default_rng(1)
    rows = database[np.sort(rng.integers(0, len(database), QUERIES))].astype(np.float32)
    return rows + 0.5 * rng.standard_normal(rows.shape, np.float32) / np.sqrt(rows.shape[1]), database


def search_ram(path: str) -> Callable[[], object]:
    """The job of the baseline."""
    queries, database = _asked(path)
    return lambda: nearest_in_ram(queries, database, NEIGHBOURS)


def search_chunks(path: str) -> Callable[[], object]:
    """Our job."""
    queries, database = _asked(path)
    return lambda: nearest(queries, database, NEIGHBOURS)


@cache
def _flops() -> float:
    return product_flops()
