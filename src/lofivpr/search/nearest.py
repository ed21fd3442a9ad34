"""Exact nearest neighbours in bounded memory, by FAISS.

FAISS finds candidates by a matrix product, whose rounding depends on the shapes it is given. So the
candidates' distances are then computed pair by pair, which makes equal rows equally far, and a query whose
candidates could miss a row within the rounding error is compared with every row. Results therefore do not
depend on chunks, and ties go to the lower index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import faiss
import numpy as np

from lofivpr.descriptors import DescriptorStore
from lofivpr.descriptors.prepare import ahead
from lofivpr.errors import LofiError
from lofivpr.search.neighbours import Neighbours

CHUNK_BYTES = 32 * 2**20
"""Of the part of the database that is compared at a time."""
CHUNKS_AHEAD = 3
"""Parts that are read and converted while one is compared."""
QUERY_ROWS = 4096
"""Queries compared at a time."""
SPARE = 8
"""Candidates beyond k, so that rounding at the k-th place seldom matters."""
ROUNDING = 2e-5
"""Bound on the error of a matrix product's distance, as a part of |q|^2 + max |d|^2 (measured: 5e-7)."""
NOBODY = np.iinfo(np.int64).max


def nearest(
    queries: np.ndarray,
    database: np.ndarray | DescriptorStore,
    k: int,
    excluded: Sequence[np.ndarray] | None = None,
    chunk_rows: int | None = None,
) -> Neighbours:
    """The k nearest database rows of each query by squared L2 distance, exact.

    Args:
        queries: Q x D floats.
        database: N x D floats, or a store, of which skipped pictures are never found.
        excluded: for each query the database rows that may not be found (such as its own panorama).
        chunk_rows: database rows compared at a time; None = 32 MiB of them. The result is the same.

    Returns:
        Q x k neighbours; ties go to the lower index; -1 and infinity where there are fewer than k.

    Raises:
        LofiError: dimensions differ, numbers are not finite, k < 1, or `excluded` does not fit.
    """
    queries = _as_rows(queries, "queries")
    n, dimension = _shape(database)
    if k < 1 or (chunk_rows is not None and chunk_rows < 1):
        raise LofiError(f"expected k and chunk_rows of at least 1, found {k} and {chunk_rows}.")
    if queries.shape[1] != dimension:
        raise LofiError(
            f"expected queries and database of one dimension, found {queries.shape[1]} and {dimension}. "
            "Describe both with the same model, or with a student and its teacher."
        )
    exclusion = Exclusion.of(excluded, len(queries), n)
    distances, indices = np.full((len(queries), k), np.inf, np.float32), np.full((len(queries), k), NOBODY)
    rows = chunk_rows or max(1024, CHUNK_BYTES // (4 * dimension))
    for start, chunk, usable in _chunks(database, rows):
        for first in range(0, len(queries), QUERY_ROWS):
            part = slice(first, min(first + QUERY_ROWS, len(queries)))
            allowed = usable & exclusion.allowed(part, start, start + len(chunk))
            found = _nearest_in(queries[part], chunk, allowed, k, worst=distances[part, -1])
            distances[part], indices[part] = _merge((distances[part], indices[part]), found, start, k)
    indices[indices == NOBODY] = -1
    return Neighbours(indices, distances)


@dataclass(frozen=True, eq=False)
class Exclusion:
    """Pairs of a query and a database row that may not be found; `rows` ascend."""

    queries: np.ndarray
    rows: np.ndarray

    @classmethod
    def of(cls, excluded: Sequence[np.ndarray] | None, n_queries: int, n: int) -> Exclusion:
        """Check and flatten one array of database rows (below n) for each query."""
        if excluded is None:
            return cls(np.empty(0, np.int64), np.empty(0, np.int64))
        if len(excluded) != n_queries:
            raise LofiError(f"expected excluded rows for {n_queries} queries, found {len(excluded)} lists.")
        rows = np.concatenate([*(np.asarray(one, np.int64) for one in excluded), np.empty(0, np.int64)])
        if len(rows) and (rows.min() < 0 or rows.max() >= n):
            raise LofiError(f"expected excluded rows from 0 to {n - 1}, found {rows.min()} to {rows.max()}.")
        queries = np.repeat(np.arange(n_queries), [len(one) for one in excluded])
        order = np.argsort(rows, kind="stable")
        return cls(queries[order], rows[order])

    def allowed(self, part: slice, start: int, stop: int) -> np.ndarray:
        """bool, queries of `part` x database rows [start, stop): False where excluded."""
        allowed = np.ones((part.stop - part.start, stop - start), bool)
        pairs = slice(*np.searchsorted(self.rows, [start, stop]))
        queries, rows = self.queries[pairs] - part.start, self.rows[pairs] - start
        here = (queries >= 0) & (queries < len(allowed))
        allowed[queries[here], rows[here]] = False
        return allowed


def _nearest_in(
    queries: np.ndarray, chunk: np.ndarray, allowed: np.ndarray, k: int, worst: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distances and rows, Q x m: among them, in any order, the k nearest allowed rows of the chunk.

    Rows that are farther than `worst`, the k-th distance of each query so far, may be left out.
    """
    # Even if every row that a query may not find came first, k allowed ones are among the fetched.
    fetch = min(len(chunk), k + int((~allowed).sum(axis=1).max()) + SPARE)
    rough, rows = faiss.knn(queries, chunk, fetch)
    least = rough - ROUNDING * ((queries**2).sum(axis=1) + np.einsum("nd,nd->n", chunk, chunk).max())[:, None]
    distances = squared_distances(queries, chunk, np.where(least > worst[:, None], -1, rows))
    distances[~np.take_along_axis(allowed, rows, axis=1)] = np.inf
    if fetch < len(chunk):
        kth = np.minimum(np.partition(distances, k - 1, axis=1)[:, k - 1], worst)
        unsure = np.flatnonzero(least[:, -1] <= kth)
        for few in np.array_split(unsure, -(-len(unsure) // 64) or 1):
            distances[few] = np.inf
            distances[few, :k], rows[few, :k] = _compare_all(queries[few], chunk, allowed[few], k)
    return distances, rows


def _compare_all(queries: np.ndarray, chunk: np.ndarray, allowed: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Distances and rows, Q x k, of the k nearest allowed rows of the chunk, by comparing every pair."""
    every = np.tile(np.arange(len(chunk)), (len(queries), 1))
    distances = squared_distances(queries, chunk, every)
    distances[~allowed] = np.inf
    rows = np.argsort(distances, axis=1, kind="stable")[:, :k]
    return np.take_along_axis(distances, rows, axis=1), rows


def squared_distances(queries: np.ndarray, chunk: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """float32 Q x m: squared distance of each query to its m rows, each pair summed alike; infinity for a row of -1."""
    queries, rows = np.ascontiguousarray(queries), np.ascontiguousarray(rows)
    out = np.empty(rows.shape, np.float32)
    pointers = (faiss.swig_ptr(array) for array in (out, queries, chunk, rows))
    faiss.fvec_L2sqr_by_idx(*pointers, queries.shape[1], *rows.shape)  # type: ignore[attr-defined]
    return out


def _merge(
    best: tuple[np.ndarray, np.ndarray], found: tuple[np.ndarray, np.ndarray], start: int, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """The k best of both by (distance, index); `found` counts rows from `start`."""
    distances = np.concatenate([best[0], found[0]], axis=1)
    indices = np.concatenate([best[1], found[1] + start], axis=1)
    indices[np.isinf(distances)] = NOBODY
    order = np.lexsort((indices, distances), axis=1)[:, :k]
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(indices, order, axis=1)


def _chunks(database: np.ndarray | DescriptorStore, rows: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Yield the first row's index, float32 n x D, and bool n (False where a picture was skipped)."""

    def ready(part: tuple[int, list[np.ndarray], np.ndarray]) -> tuple[int, np.ndarray, np.ndarray]:
        start, held, usable = part
        return start, _as_rows(held[0] if len(held) == 1 else np.concatenate(held), "database"), usable

    yield from ahead(ready, _parts(database, rows), 2, CHUNKS_AHEAD)


def _parts(database: np.ndarray | DescriptorStore, rows: int) -> Iterator[tuple[int, list[np.ndarray], np.ndarray]]:
    """As `_chunks`, of numbers as they are stored."""
    if not isinstance(database, DescriptorStore):
        for start in range(0, len(database), rows):
            part = database[start : start + rows]
            yield start, [part], np.ones(len(part), bool)
        return
    start, held = 0, []
    for block in database.blocks():
        held.append(block)
        count = sum(map(len, held))
        if count >= rows or start + count == len(database):
            yield start, held, database.ok[start : start + count]
            start, held = start + count, []


def _shape(database: np.ndarray | DescriptorStore) -> tuple[int, int]:
    if isinstance(database, DescriptorStore):
        return len(database), database.dimension
    if np.ndim(database) != 2:
        raise LofiError(f"expected database as rows x numbers, found an array of shape {np.shape(database)}.")
    return database.shape[0], database.shape[1]


def _as_rows(values: np.ndarray, name: str) -> np.ndarray:
    """float32, contiguous, checked."""
    rows = np.ascontiguousarray(values, np.float32)
    if rows.ndim != 2:
        raise LofiError(f"expected {name} as rows x numbers, found an array of shape {rows.shape}.")
    if not np.isfinite(rows).all():
        raise LofiError(f"expected finite {name}, found NaN or infinity. Check the model that made them.")
    return rows
