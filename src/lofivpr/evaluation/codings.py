"""Descriptors as few bytes: float16, int8 with a scale, product quantization."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import faiss
import numpy as np

from lofivpr.errors import LofiError

PQ_BYTES = (64, 128, 256, 512)
CENTROIDS = 256  # one byte a part
TRAIN_ROWS = 39 * CENTROIDS  # what FAISS asks for; more cost time and change little
ITERATIONS = 10
SCALE_BYTES = 4


class CodingError(LofiError):
    """A coding that does not fit a descriptor, or has too little to learn from."""


@dataclass(frozen=True)
class Coding:
    """A way to send a descriptor: `n_bytes` on the line, and what the server has of it then.

    decoded: float32 n x D as sent to float32 n x D as received.
    """

    name: str
    n_bytes: int
    decoded: Callable[[np.ndarray], np.ndarray]


def float16(dimension: int) -> Coding:
    """Two bytes a number."""
    return Coding("float16", 2 * dimension, lambda rows: rows.astype(np.float16).astype(np.float32))


def int8(dimension: int) -> Coding:
    """One byte a number, -127 .. 127 times a float32 scale of each descriptor's own."""
    return Coding("int8", dimension + SCALE_BYTES, _through_int8)


def _through_int8(rows: np.ndarray) -> np.ndarray:
    scale = np.abs(rows).max(axis=1, keepdims=True).astype(np.float32) / 127
    steps = np.divide(rows, scale, out=np.zeros_like(rows, np.float32), where=scale > 0)
    return np.rint(steps).astype(np.int8).astype(np.float32) * scale


def product_quantization(centroids: np.ndarray) -> Coding:
    """One byte for each part of a descriptor: the nearest of the part's centroids (Jegou, Douze, Schmid, 2011).

    Args:
        centroids: float32 parts x 256 x numbers of a part, as `learnt_centroids` gives them.
    """
    parts, _, numbers = centroids.shape
    quantizer = faiss.ProductQuantizer(parts * numbers, parts, 8)
    faiss.copy_array_to_vector(np.ascontiguousarray(centroids, np.float32).ravel(), quantizer.centroids)

    def through_codes(rows: np.ndarray) -> np.ndarray:
        codes = quantizer.compute_codes(np.ascontiguousarray(rows, np.float32))
        return np.asarray(quantizer.decode(codes))  # type: ignore[call-arg,func-returns-value]

    return Coding(pq_name(parts), parts, through_codes)


def learnt_centroids(n_bytes: int, database: np.ndarray, seed: int = 0) -> np.ndarray:
    """Centroids of `n_bytes` parts, float32 n_bytes x 256 x D / n_bytes, learnt from the database only.

    Args:
        database: float32 N x D, of which `training_rows` are enough.
        seed: of k-means.

    Raises:
        CodingError: `check_learnable`.
    """
    rows, dimension = database.shape
    check_learnable(n_bytes, rows, dimension)
    quantizer = faiss.ProductQuantizer(dimension, n_bytes, 8)
    quantizer.cp.seed, quantizer.cp.niter, quantizer.cp.min_points_per_centroid = seed + 1, ITERATIONS, 1
    quantizer.train(np.ascontiguousarray(database, np.float32))
    return np.array(faiss.vector_to_array(quantizer.centroids)).reshape(n_bytes, CENTROIDS, -1)


def check_learnable(n_bytes: int, rows: int, dimension: int) -> None:
    """Raises CodingError: `n_bytes` does not divide the dimension, or there are fewer than 256 rows."""
    if dimension % n_bytes:
        raise CodingError(f"{n_bytes} bytes do not divide the {dimension} numbers of a descriptor")
    if rows < CENTROIDS:
        raise CodingError(f"a codebook of {CENTROIDS} needs as many database pictures, found {rows}")


def training_rows(rows: int, seed: int = 0) -> np.ndarray:
    """Which of so many database rows codebooks are learnt from: int64, ascending, at most 9,984."""
    return np.sort(np.random.default_rng(seed).permutation(rows)[:TRAIN_ROWS])


def pq_name(n_bytes: int) -> str:
    """`pq64` of 64."""
    return f"pq{n_bytes}"
