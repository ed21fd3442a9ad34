"""A map of N places: how soon it opens, what it holds in memory, how long a query takes, what fewer bits cost.

    python -m benchmarks.maps                      # 20,000 places of 512 numbers
    python -m benchmarks.maps 1000000 --dtypes float16 pq64
    python -m benchmarks.maps 1000000 --like real.npz      # see benchmarks.real_places

Descriptors are made: each place is a centre and its pictures lie around it, at the distances given or, with --like,
at those measured on real pictures. Each figure is taken in a process of its own, so that memory is that of a reader
and of nothing else.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from benchmarks.machine import memory_mib
from benchmarks.real_places import write_rows
from lofivpr.maps import ArrayRows, Map
from lofivpr.places import Places

DTYPES = ("float16", "int8", "pq64")
SPOTS = 4
"""Pictures of one place, 5 m apart."""
CENTRES = 64
"""Rank of the centres: descriptors of real places fill far fewer dimensions than they have."""
WITHIN, QUERY = 0.6, 1.2
"""Distance of a picture, and of a query, from the centre of its place; centres are about 1.4 apart."""
SEED = 0


@dataclass(frozen=True)
class MapRow:
    """Figures of one map. `open_ms`: `Map.open`; `first_ms`: its first query; memory in MiB: `rss` all, `anonymous`
    without the page cache. `agreement`: percent of queries whose first place is float32's; `recall`: percent of
    them whose first place is a picture of the right one, `recall_exact` that of float32."""

    places: int
    dimension: int
    dtype: str
    index: str
    megabytes: float
    build_s: float
    open_ms: float
    first_ms: float
    p50_ms: float
    p99_ms: float
    rss_mib: float
    anonymous_mib: float
    agreement: float
    recall: float
    recall_exact: float


def made_rows(path: Path, n: int, dimension: int, queries: int, chunk: int = 8192) -> np.ndarray:
    """Write n descriptors into a .npy a chunk at a time; returns queries, float32, for every n / queries th place."""
    rng = np.random.default_rng(SEED)
    basis = rng.normal(size=(CENTRES, dimension)).astype(np.float32)
    out = np.lib.format.open_memmap(path, "w+", np.float32, (n, dimension))
    asked = np.linspace(0, n - 1, queries).astype(np.int64)
    found = np.empty((queries, dimension), np.float32)
    for start in range(0, n, chunk):
        numbers = np.arange(start, min(start + chunk, n))
        place = np.random.default_rng([SEED, start]).normal(size=(chunk // SPOTS + 1, CENTRES)).astype(np.float32)
        centre = _unit(place @ basis)[(numbers - start) // SPOTS]
        out[numbers] = _unit(centre + WITHIN * _noise(rng, basis, len(centre)))
        here = np.flatnonzero((asked >= start) & (asked < start + chunk))
        near = centre[asked[here] - start]
        found[here] = _unit(near + QUERY * _noise(rng, basis, len(near)))
    out.flush()
    return found


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _noise(rng: np.random.Generator, basis: np.ndarray, n: int) -> np.ndarray:
    # Of the rank of the centres: noise in all dimensions would hardly turn a descriptor towards another place.
    return _unit(rng.standard_normal((n, CENTRES), np.float32) @ basis)


def made_places(n: int) -> Places:
    """Places on a square, `SPOTS` pictures 5 m apart at each, 100 m to the next."""
    numbers = np.arange(n)
    side = int(np.ceil((n / SPOTS) ** 0.5))
    spot, picture = numbers // SPOTS, numbers % SPOTS
    lat = 52 + (spot // side) * 9e-4 + picture * 4.5e-5
    table = {"image": np.char.mod("%08d.jpg", numbers), "lat": lat, "lon": 4 + (spot % side) * 1.5e-3}
    return Places.from_table(Path("pictures"), pa.table(table))


def look(folder: Path, queries: np.ndarray, repeats: int) -> dict[str, float]:
    """Open a map and ask it one query at a time; to be run in a process of its own."""
    started = time.perf_counter()
    town = Map.open(folder)
    opened = time.perf_counter()
    town.nearest(queries[:1], 10)
    first, times = time.perf_counter(), []
    for number in range(repeats):
        before = time.perf_counter()
        town.nearest(queries[number % len(queries)][None], 10)
        times.append(1e3 * (time.perf_counter() - before))
    p50, p99 = np.percentile(times, [50, 99])
    return {
        "open_ms": 1e3 * (opened - started),
        "first_ms": 1e3 * (first - opened),
        "p50_ms": float(p50),
        "p99_ms": float(p99),
        "rss_mib": memory_mib("VmRSS"),
        "anonymous_mib": memory_mib("RssAnon"),
    }


def rows(
    n: int = 20_000,
    dimension: int = 512,
    dtypes: Sequence[str] = DTYPES,
    queries: int = 200,
    repeats: int = 500,
    search: str = "auto",
    folder: Path | None = None,
    like: Path | None = None,
) -> list[MapRow]:
    """One row for each number format. `folder`: where descriptors and maps go; a temporary one if not given. `like`: a
    file of `benchmarks.real_places`, whose dimension is then that of the descriptors."""
    if folder is None:
        with TemporaryDirectory() as temporary:
            return rows(n, dimension, dtypes, queries, repeats, search, Path(temporary), like)
    path = folder / "descriptors.npy"
    asked = made_rows(path, n, dimension, queries) if like is None else write_rows(path, like, n, queries, SPOTS, SEED)
    dimension = asked.shape[1]
    np.save(folder / "queries.npy", asked)
    database, places = np.load(path, mmap_mode="r"), made_places(n)
    right = np.linspace(0, n - 1, queries).astype(np.int64) // SPOTS
    exact = exact_first(asked, database)
    found = []
    for dtype in dtypes:
        started, out = time.perf_counter(), folder / f"{dtype}.map"
        options = {"model": "made", "model_digest": "made", "dtype": dtype, "search": search}
        town = Map.from_rows(ArrayRows(database), places, out, **options)  # type: ignore[arg-type]
        took = time.perf_counter() - started
        command = [sys.executable, "-m", "benchmarks.maps", "--look", str(out), "--repeats", str(repeats)]
        looked = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        first, info = town.nearest(asked, 10).indices[:, 0], town.info()
        found.append(
            MapRow(
                places=n,
                dimension=dimension,
                dtype=dtype,
                index=info.index,
                megabytes=info.n_bytes / 1e6,
                build_s=took,
                agreement=100 * float((first == exact).mean()),
                recall=100 * float((first // SPOTS == right).mean()),
                recall_exact=100 * float((exact // SPOTS == right).mean()),
                **looked,
            )
        )
    return found


def exact_first(queries: np.ndarray, database: np.ndarray, chunk: int = 16384) -> np.ndarray:
    """The nearest row of each query by float32, int64 Q: the reference."""
    best, at = np.full(len(queries), np.inf, np.float32), np.zeros(len(queries), np.int64)
    for start in range(0, len(database), chunk):
        distance = 2 - 2 * queries @ database[start : start + chunk].T
        nearest = distance.argmin(axis=1)
        values = distance[np.arange(len(queries)), nearest]
        at = np.where(values < best, nearest + start, at)
        best = np.minimum(best, values)
    return at


def main() -> None:
    """Print a table, or with --look the figures of one map."""
    parser = argparse.ArgumentParser()
    parser.add_argument("places", type=int, nargs="?", default=20_000)
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--dtypes", nargs="+", default=list(DTYPES))
    parser.add_argument("--search", choices=("auto", "exact", "ivf"), default="auto")
    parser.add_argument("--repeats", type=int, default=500)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--like", type=Path)
    parser.add_argument("--look", type=Path)
    told = parser.parse_args()
    if told.look is not None:
        print(json.dumps(look(told.look, np.load(told.look.parent / "queries.npy"), told.repeats)))
        return
    options = {"repeats": told.repeats, "search": told.search, "folder": told.folder, "like": told.like}
    for row in rows(told.places, told.dimension, told.dtypes, **options):
        print(json.dumps({name: round(v, 3) if isinstance(v, float) else v for name, v in asdict(row).items()}))


if __name__ == "__main__":
    main()
