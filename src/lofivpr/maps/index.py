"""An approximate index for maps too large to compare every place.

Descriptors are projected on their principal components, sorted into cells about k-means centres (IVF) and kept
there as product quantized residuals (Jegou, Douze, Schmid, PAMI 2011). What it finds is then compared by the map's
own codes, so that only a place which is not among the candidates is lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from lofivpr.errors import LofiError
from lofivpr.maps.segment import sync
from lofivpr.maps.shelf import Shelf

EXACT_ROWS = 100_000
"""The rule: up to so many places every one is compared, beyond it an index finds candidates."""
COMPONENTS = 256
"""Dimensions after projection."""
BYTES = 64
"""Bytes of a place in the index."""
PCA_ROWS = 4096
TRAIN_PER_CELL = 39
"""Rows for each cell in training; what FAISS wants at least."""
CANDIDATES = 200
"""At least so many, and 20 k, candidates are compared by the map's codes."""
NPROBE_SHARE = 32
"""One in so many cells is looked into, at least 16."""
CHUNK = 8192
SEED = 0


def cells_of(rows: int) -> int:
    """How many cells for so many rows: the power of two next below 4 sqrt(rows)."""
    return int(2 ** np.floor(np.log2(max(1.0, 4 * rows**0.5))))


@dataclass(frozen=True)
class Trained:
    """A FAISS index, its kind as FAISS writes it, and how many cells a search looks into."""

    index: Any
    kind: str
    nprobe: int


def train_index(shelf: Shelf, rows: int) -> Trained:
    """An IVF-PQ over the first `rows` rows of a shelf; rows that were removed are in it too.

    Memory: the training sample after projection and the index itself, about 80 bytes a row.
    """
    cells = min(cells_of(rows), max(1, rows // TRAIN_PER_CELL))
    rng = np.random.default_rng(SEED)
    project = _projection(shelf, rows, rng)
    parts = next(m for m in range(min(BYTES, project.d_out), 0, -1) if project.d_out % m == 0)
    index: Any = faiss.index_factory(project.d_out, f"IVF{cells},PQ{parts}")
    index.do_polysemous_training = False  # slow, and for a search by Hamming distances that is not done here
    index.cp.niter = 10  # the rest of 25 moves few rows to other cells
    index.cp.seed, index.cp.min_points_per_centroid, index.pq.cp.min_points_per_centroid = SEED + 1, 1, 1
    training = _sample(rng, rows, max(TRAIN_PER_CELL * cells, 39 * 256))
    index.train(np.concatenate([project.apply(shelf.decode(part)) for part in _chunks(training)]))
    for part in _chunks(np.arange(rows)):
        index.add(project.apply(shelf.decode(part)))
    whole = faiss.IndexPreTransform(project, index)
    kind = f"PCA{project.d_out},IVF{cells},PQ{parts}"
    return Trained(whole, kind, min(cells, max(16, cells // NPROBE_SHARE)))


def _projection(shelf: Shelf, rows: int, rng: np.random.Generator) -> Any:
    sample = shelf.decode(_sample(rng, rows, PCA_ROWS))
    size = min(COMPONENTS, *sample.shape)
    project = faiss.PCAMatrix(shelf.dimension, size)
    project.train(sample)
    return project


def _sample(rng: np.random.Generator, rows: int, count: int) -> np.ndarray:
    return np.sort(rng.choice(rows, min(rows, count), replace=False))


def _chunks(rows: np.ndarray) -> list[np.ndarray]:
    return [rows[start : start + CHUNK] for start in range(0, len(rows), CHUNK)]


def write_index(path: Path, index: Any) -> None:
    """Write an index durably; the path must not be in use."""
    faiss.write_index(index, str(path))
    with open(path, "rb") as file:
        sync(file)


class IndexReader:
    """An index on disk, its cells mapped into memory when first used."""

    def __init__(self, path: Path, nprobe: int) -> None:
        self._path, self._nprobe = path, nprobe

    @cached_property
    def _index(self) -> Any:
        try:
            return faiss.read_index(str(self._path), faiss.IO_FLAG_MMAP | faiss.IO_FLAG_READ_ONLY)
        except RuntimeError as error:
            raise LofiError(
                f"expected an index at {self._path}, found a missing or damaged one. Run `lofivpr map check`."
            ) from error

    def candidates(self, queries: np.ndarray, k: int, wanted: np.ndarray | None) -> np.ndarray:
        """Rows that may be among the k nearest, int64 Q x max(200, 20 k), -1 pads. `wanted`: bool, None = all."""
        search: dict[str, Any] = {"nprobe": self._nprobe}
        selector: Any = faiss.IDSelectorBitmap  # its Python form takes an array
        with_projection: Any = faiss.SearchParametersPreTransform
        if wanted is not None:
            search["sel"] = selector(np.packbits(wanted, bitorder="little"))
        params = with_projection(index_params=faiss.SearchParametersIVF(**search))
        return np.asarray(self._index.search(queries, max(CANDIDATES, 20 * k), params=params)[1])
