"""Descriptors of as many places as one likes, made of those of real pictures; for `benchmarks.maps --like`.

    python -m benchmarks.real_places streets tower --teacher B --student s0 --quality 240p/h264:qp42 --out real.npz

Measured on the first data set that knows positions: what the descriptors of two pictures of one place differ by, and
those of a degraded query and of the picture of its place. Rotated to their principal axes, where coordinates are
uncorrelated, groups of coordinates of different pictures are put together: the parts are real, and so is how they are
spread; a million pictures made so are as far apart as real ones.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from lofivpr.descriptors import DescriptorStore
from lofivpr.models import Describer, load_describer
from lofivpr.places import Places
from lofivpr.quality import Quality

BLOCKS = 32
WITHIN_M, WITHIN_DEG = 15.0, 30.0


def measure(
    folders: Sequence[Path], teacher: Path, student: Path, quality: Quality, dimension: int
) -> dict[str, np.ndarray]:
    """`pictures` N x D, `within` P x D and `query` P x D, float32, on the D first principal axes of the pictures."""
    maker, asker = load_describer(teacher), load_describer(student)
    places = [Places.open(folder) for folder in folders]
    sharp = [_described(maker, one, Quality.parse("raw")) for one in places]
    positioned = next(i for i, one in enumerate(places) if "lat" in one.table.column_names)
    pairs = _pairs(places[positioned])
    asked = np.unique(pairs[:, 0])
    low = np.zeros_like(sharp[positioned])
    low[asked] = _described(asker, places[positioned].select(asked.tolist()), quality)
    everything = np.concatenate(sharp)
    _, _, axes = np.linalg.svd(everything - everything.mean(axis=0), full_matrices=False)
    reduced = everything @ axes[:dimension].T
    start = sum(map(len, sharp[:positioned]))
    scale = np.linalg.norm(reduced, axis=1, keepdims=True)
    one, other = pairs[:, 0] + start, pairs[:, 1] + start
    unit, turned = reduced / scale, low[pairs[:, 0]] @ axes[:dimension].T
    turned /= np.linalg.norm(turned, axis=1, keepdims=True)
    return {"pictures": unit, "within": unit[one] - unit[other], "query": turned - unit[other]}


def _described(describer: Describer, places: Places, quality: Quality) -> np.ndarray:
    with TemporaryDirectory() as folder:
        store = DescriptorStore.build(
            Path(folder) / "store", describer, places.images, places.root, quality, progress=True
        )
        return np.array(store.array(), np.float32)


def _pairs(places: Places) -> np.ndarray:
    """Rows of two pictures of one place, from different panoramas, looking the same way: int64 P x 2, each way once."""
    points, groups = places.points(), places.groups()
    heading = np.asarray(places.table["heading_deg"].to_numpy(), np.float64)
    found = []
    for row in range(len(points)):
        apart = np.linalg.norm(points - points[row], axis=1)
        turn = np.abs((heading - heading[row] + 180) % 360 - 180)
        near = np.flatnonzero((apart <= WITHIN_M) & (turn <= WITHIN_DEG) & (groups != groups[row]))
        found += [(row, int(near[np.argmin(apart[near])]))] if len(near) else []
    return np.array(found, np.int64)


def write_rows(path: Path, real: Path, n: int, queries: int, spots: int, seed: int, chunk: int = 8192) -> np.ndarray:
    """Write n descriptors, `spots` of each place, into a .npy; returns queries for every n / queries th place."""
    parts = dict(np.load(real))
    dimension = parts["pictures"].shape[1]
    out = np.lib.format.open_memmap(path, "w+", np.float32, (n, dimension))
    asked = np.linspace(0, n - 1, queries).astype(np.int64)
    found = np.empty((queries, dimension), np.float32)
    for start in range(0, n, chunk):
        rng = np.random.default_rng([seed, start])
        numbers = np.arange(start, min(start + chunk, n))
        centre = _mixed(rng, parts["pictures"], chunk // spots + 1)[(numbers - start) // spots]
        # Two pictures of a place differ by sqrt(2) times what each differs from its middle.
        out[numbers] = _unit(centre + _mixed(rng, parts["within"], len(centre)) / np.sqrt(2))
        here = np.flatnonzero((asked >= start) & (asked < start + chunk))
        found[here] = _unit(out[asked[here]] + _mixed(rng, parts["query"], len(here)))
    out.flush()
    return found


def _mixed(rng: np.random.Generator, rows: np.ndarray, n: int) -> np.ndarray:
    """n rows, of which each group of coordinates is of another row drawn at random."""
    groups = np.array_split(np.arange(rows.shape[1]), BLOCKS)
    drawn = rng.integers(0, len(rows), (n, len(groups)))
    return np.concatenate([rows[drawn[:, i]][:, group] for i, group in enumerate(groups)], axis=1)


def _unit(rows: np.ndarray) -> np.ndarray:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def main() -> None:
    """Measure, and write the file."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("places", nargs="+", type=Path)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--student", type=Path, required=True)
    parser.add_argument("--quality", default="240p/h264:qp42")
    parser.add_argument("--dimension", type=int, default=512)
    parser.add_argument("--out", type=Path, required=True)
    told = parser.parse_args()
    made = measure(told.places, told.teacher, told.student, Quality.parse(told.quality), told.dimension)
    arrays: dict[str, Any] = {name: np.asarray(rows, np.float32) for name, rows in made.items()}
    np.savez(told.out, **arrays)
    similarity = 1 - (made["within"] ** 2).sum(axis=1) / 2, 1 - (made["query"] ** 2).sum(axis=1) / 2
    print({name: rows.shape for name, rows in made.items()}, *(f"{float(np.median(one)):.3f}" for one in similarity))


if __name__ == "__main__":
    main()
