"""How descriptors are stored: number formats, and blocks of rows that are searched where they lie on disk.

A block is one file of FAISS that holds the format's ranges or codebook and the codes of its rows. It is mapped
into memory, so that opening it reads next to nothing and the page cache serves it.

float32, float16; int8: one byte a number, scaled between the least and the greatest value of its dimension;
pq64 to pq512: product quantization into so many bytes a descriptor (Jegou, Douze, Schmid, PAMI 2011).
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from lofivpr.errors import LofiError

BLOCK_BYTES = 128 * 2**20
"""Codes in one file: the unit of a thread's work, and the memory that packing takes."""
TRAIN_ROWS = 39 * 256
"""Rows that ranges and codebooks are learnt from; what FAISS wants for a codebook of 256."""
MIN_PQ_ROWS = 256
FEW = 64
"""So many rows beyond k are found first, where some rows are unwanted."""
PQ = re.compile(r"pq([1-9]\d{0,2})")
PQ_BYTES = (64, 512)
FORMATS = "float32, float16, int8, pq64 to pq512"


def check_dtype(dtype: str, dimension: int) -> None:
    """Refuse a format that there is not, or that does not fit descriptors of `dimension` numbers.

    Raises:
        LofiError: says which would fit.
    """
    if dtype in ("float32", "float16", "int8"):
        return
    match = PQ.fullmatch(dtype)
    if match is None or not PQ_BYTES[0] <= int(match[1]) <= PQ_BYTES[1]:
        raise LofiError(f"expected a dtype of {FORMATS}, found {dtype!r}. Choose one of them.")
    if dimension % int(match[1]):
        fits = [f"pq{m}" for m in range(PQ_BYTES[0], PQ_BYTES[1] + 1) if dimension % m == 0]
        raise LofiError(
            f"expected a number of bytes that divides the {dimension} numbers of a descriptor, found {dtype}. "
            f"Choose {', '.join(fits) or 'int8: no number of bytes fits'}."
        )


def check_rows(dtype: str, rows: int) -> None:
    """Refuse to learn a codebook from too few rows.

    Raises:
        LofiError: says what to use.
    """
    if PQ.fullmatch(dtype) and rows < MIN_PQ_ROWS:
        raise LofiError(
            f"expected at least {MIN_PQ_ROWS} places to learn {dtype} from, found {rows}. Use int8 or float16."
        )


def train(dtype: str, sample: np.ndarray) -> Any:
    """An empty FAISS index of a format, its ranges or codebook learnt from `sample` (float32 n x D).

    Raises:
        LofiError: the format does not fit.
    """
    dimension = sample.shape[1]
    check_dtype(dtype, dimension)
    index: Any
    if dtype == "float32":
        return faiss.IndexFlatL2(dimension)
    if match := PQ.fullmatch(dtype):
        index = faiss.IndexPQ(dimension, int(match[1]), 8)
        index.pq.cp.min_points_per_centroid = 1  # fewer than FAISS wants is said by the measured loss
    else:
        kinds = {"float16": faiss.ScalarQuantizer.QT_fp16, "int8": faiss.ScalarQuantizer.QT_8bit}
        index = faiss.IndexScalarQuantizer(dimension, kinds[dtype])
    index.train(sample)
    return index


def block_rows(code: Any) -> int:
    """How many rows of a format go into one block."""
    return max(1, BLOCK_BYTES // int(code.sa_code_size()))


def write_block(path: Path, code: Any, rows: np.ndarray) -> None:
    """Write the codes of `rows` (float32 n x D) with their format, durably; the path must not be in use."""
    code.reset()
    code.add(rows)
    faiss.write_index(code, str(path))
    code.reset()
    with open(path, "rb") as file:
        os.fsync(file.fileno())


class CodeBlock:
    """Rows of one file of codes, searched where they lie."""

    def __init__(self, path: Path) -> None:
        """Map a file.

        Raises:
            LofiError: it is missing or damaged.
        """
        try:
            index: Any = faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC)
        except RuntimeError as error:
            raise LofiError(
                f"expected a block of descriptors at {path}, found a missing or damaged one. "
                "Run `lofivpr map check` on the map, and build it again or copy it anew."
            ) from error
        self._index = index
        size = index.sa_code_size()
        flat = faiss.rev_swig_ptr(index.codes.data(), index.ntotal * size)
        self.codes: np.ndarray = flat.reshape(-1, size)

    def __len__(self) -> int:
        return int(self._index.ntotal)

    @property
    def dimension(self) -> int:
        """Numbers in a descriptor."""
        return int(self._index.d)

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """The descriptors of `rows`, float32 n x D, as the format keeps them."""
        return np.asarray(self._index.sa_decode(np.ascontiguousarray(self.codes[rows])))

    def format(self) -> Any:
        """An index of the same format without rows."""
        bare: Any = faiss.clone_index(self._index)  # shares the mapped file, so this copies no codes
        bare.codes = faiss.MaybeOwnedVectorUInt8()
        bare.ntotal = 0
        return bare

    def nearest(self, queries: np.ndarray, k: int, wanted: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """Squared distances (float32) and rows (int64), both Q x k, infinite and -1 where there are fewer.

        `wanted`: bool n, the rows that may be found; None = all.
        """
        if wanted is None:
            return _search(self._index, queries, k)
        rows = np.flatnonzero(wanted)
        if 2 * len(rows) >= len(wanted):
            return self._most(queries, k, wanted, len(wanted) - len(rows))
        part = self.format()
        part.add_sa_codes(np.ascontiguousarray(self.codes[rows]))
        distances, found = _search(part, queries, k)
        return distances, np.where(found < 0, -1, rows[found] if len(rows) else -1)

    def _most(self, queries: np.ndarray, k: int, wanted: np.ndarray, unwanted: int) -> tuple[np.ndarray, np.ndarray]:
        """`nearest` where most rows are wanted: more are found until k of them are, the others dropped.

        Copying the wanted codes together would take many times longer than comparing them all.
        """
        spare = min(FEW, unwanted)
        while True:
            distances, rows = _search(self._index, queries, k + spare)
            gone = (rows < 0) | ~wanted[rows]
            if spare >= unwanted or (~gone).sum(axis=1).min(initial=k) >= k:
                break
            spare = min(8 * spare, unwanted)
        distances[gone], rows[gone] = np.inf, -1
        order = np.argsort(gone, axis=1, kind="stable")[:, :k]
        return np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)


def _search(index: Any, queries: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    distances, rows = index.search(queries, k)
    distances[rows < 0] = np.inf  # FAISS pads with the greatest float
    order = np.lexsort((rows, distances), axis=1)
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)
