"""All blocks of codes of a map in one row, searched by comparing every one."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from typing import Any

import faiss
import numpy as np

from lofivpr.cores import usable_cores
from lofivpr.maps.codes import CodeBlock
from lofivpr.maps.segment import SegmentReader
from lofivpr.search.nearest import squared_distances

Found = tuple[np.ndarray, np.ndarray]
"""Squared L2 distances (float32) and rows (int64), both Q x k, nearest first; infinite and -1 where none."""


class Shelf:
    """The codes of all segments; rows are counted over all of them, in order. Safe to search from threads."""

    def __init__(self, segments: Sequence[SegmentReader]) -> None:
        self._segments = segments
        self._workers = usable_cores()
        self._starts = np.cumsum([0, *(n for reader in segments for n in reader.segment.blocks)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    @property
    def dimension(self) -> int:
        """Numbers in a descriptor."""
        return self._blocks[0].dimension

    def format(self) -> Any:
        """An empty FAISS index of the format of the first block."""
        return self._blocks[0].format()

    @cached_property
    def _blocks(self) -> list[CodeBlock]:
        return [block for reader in self._segments for block in reader.blocks]

    @cached_property
    def _threads(self) -> ThreadPoolExecutor:
        # FAISS gives a thread to each query, and waits for all its threads even for one. Here a thread takes a
        # block, which serves a single query too.
        return ThreadPoolExecutor(self._workers, "search", lambda: faiss.omp_set_num_threads(1))

    def nearest(self, queries: np.ndarray, k: int, wanted: np.ndarray | None = None, first: int = 0) -> Found:
        """The k nearest rows from row `first` on; ties go to the lower row.

        Args:
            queries: float32 Q x D.
            wanted: bool N, the rows that may be found; None = all.
        """
        jobs = []
        for block, start in zip(self._blocks, self._starts[:-1], strict=True):
            part = _part(wanted, int(start), len(block), first)
            if part is None or part.any():
                jobs.append((block, None if part is None or part.all() else part, int(start)))
        if not jobs or not len(queries):
            return nothing(len(queries), k)
        # Where there are fewer blocks than threads, threads share the queries.
        shares = np.array_split(queries, min(len(queries), -(-self._workers // len(jobs))))

        def search(share: np.ndarray, job: tuple[CodeBlock, np.ndarray | None, int]) -> Found:
            block, part, start = job
            distances, rows = block.nearest(share, k, part)
            return distances, np.where(rows < 0, -1, rows + start)

        under_way = [[self._threads.submit(search, share, job) for job in jobs] for share in shares]
        merged = [merge([one.result() for one in found], k) for found in under_way]
        return np.concatenate([one[0] for one in merged]), np.concatenate([one[1] for one in merged])

    def decode(self, rows: np.ndarray) -> np.ndarray:
        """Descriptors of some rows as the map keeps them, float32 n x D; only they are read."""
        block_of = np.searchsorted(self._starts, rows, side="right") - 1
        parts = [np.flatnonzero(block_of == block) for block in np.unique(block_of)]
        out = np.empty((len(rows), self.dimension), np.float32)
        for part in parts:
            block = int(block_of[part[0]])
            out[part] = self._blocks[block].decode(rows[part] - self._starts[block])
        return out

    def rescore(self, queries: np.ndarray, rows: np.ndarray, k: int) -> Found:
        """The k nearest of each query's own candidates. `rows`: int64 Q x m, -1 for none."""
        known, place = np.unique(rows[rows >= 0], return_inverse=True)
        if not len(known):
            return nothing(len(queries), k)
        among = np.zeros(rows.shape, np.int64)
        among[rows >= 0] = place
        distances = squared_distances(queries, self.decode(known), among)
        distances[rows < 0] = np.inf
        return merge([nothing(len(queries), k), (distances, rows)], k)


def _part(wanted: np.ndarray | None, start: int, count: int, first: int) -> np.ndarray | None:
    """Which rows of a block may be found; None = all."""
    if start >= first:
        return None if wanted is None else wanted[start : start + count]
    part = np.ones(count, bool) if wanted is None else wanted[start : start + count].copy()
    part[: first - start] = False
    return part


def nothing(queries: int, k: int) -> Found:
    """What is found where there is nothing."""
    return np.full((queries, k), np.inf, np.float32), np.full((queries, k), -1, np.int64)


def merge(found: Sequence[Found], k: int) -> Found:
    """The k nearest of several lists by (distance, row)."""
    distances = np.concatenate([one[0] for one in found], axis=1)
    rows = np.concatenate([one[1] for one in found], axis=1)
    order = np.lexsort((rows, distances), axis=1)[:, :k]
    return np.take_along_axis(distances, order, axis=1), np.take_along_axis(rows, order, axis=1)
