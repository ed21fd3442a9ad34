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


def product_quantization(n_bytes: int, database: np.ndarray, seed: int = 0) -> Coding:
    """One byte for each of `n_bytes` parts, codebooks learnt from the database only (Jegou, Douze, Schmid, 2011).

    Args:
        database: float32 N x D; of more than 9,984 rows so many are drawn.
        seed: of that draw and of k-means.

    Raises:
        CodingError: `n_bytes` does not divide D, or there are fewer than 256 rows.
    """
    rows, dimension = database.shape
    if dimension % n_bytes:
        raise CodingError(f"{n_bytes} bytes do not divide the {dimension} numbers of a descriptor")
    if rows < CENTROIDS:
        raise CodingError(f"a codebook of {CENTROIDS} needs as many database pictures, found {rows}")
    quantizer = faiss.ProductQuantizer(dimension, n_bytes, 8)
    quantizer.cp.seed, quantizer.cp.niter, quantizer.cp.min_points_per_centroid = seed + 1, ITERATIONS, 1
    drawn = np.random.default_rng(seed).permutation(rows)[:TRAIN_ROWS]
    quantizer.train(np.ascontiguousarray(database[np.sort(drawn)], np.float32))

    def through_codes(rows: np.ndarray) -> np.ndarray:
        codes = quantizer.compute_codes(np.ascontiguousarray(rows, np.float32))
        return np.asarray(quantizer.decode(codes))  # type: ignore[call-arg,func-returns-value]

    return Coding(pq_name(n_bytes), n_bytes, through_codes)


def pq_name(n_bytes: int) -> str:
    """`pq64` of 64."""
    return f"pq{n_bytes}"
