"""Recall@N: the share of queries with at least one positive among the first N that were found.

The field calls this hit rate "recall". Ranks count from 1 here, so R@1 is the first place and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import numpy as np

from lofivpr.errors import LofiError

NS = (1, 2, 5, 10, 15, 20, 25)
SKIPPED = -1
NOT_FOUND = 0

WithoutPositives = Literal["miss", "drop"]


def first_correct(indices: np.ndarray, positives: Sequence[np.ndarray]) -> np.ndarray:
    """Rank of the first positive of each query, counted from 1.

    Args:
        indices: int64 Q x k, database rows of the neighbours, nearest first; -1 pads.
        positives: Q arrays of database rows, each sorted ascending.

    Returns:
        int64 Q: 1 .. k, or 0 (`NOT_FOUND`) where none of the k is a positive.

    Raises:
        LofiError: `indices` and `positives` disagree on the number of queries.
    """
    if len(indices) != len(positives):
        raise LofiError(
            f"expected one array of positives a query ({len(indices)}), found {len(positives)}. "
            "Take the positives from the same queries as the neighbours."
        )
    ranks = np.full(len(indices), NOT_FOUND, np.int64)
    for query, (found, correct) in enumerate(zip(indices, positives, strict=True)):
        right = np.flatnonzero(np.isin(found, correct))  # -1 is never a positive
        if len(right):
            ranks[query] = right[0] + 1
    return ranks


def hits_of_ranks(ranks: np.ndarray, ns: Sequence[int] = NS) -> np.ndarray:
    """Bool Q x len(ns): whether the first positive lies among the first n.

    Args:
        ranks: int64 Q as from `first_correct`.
    """
    columns = np.asarray(ns, np.int64)
    return (ranks[:, None] >= 1) & (ranks[:, None] <= columns[None, :])


def hits_matrix(indices: np.ndarray, positives: Sequence[np.ndarray], ns: Sequence[int] = NS) -> np.ndarray:
    """Bool Q x len(ns): whether one of the first n neighbours is a positive.

    Raises:
        LofiError: fewer neighbours than the largest n were searched, or the counts of queries differ.
    """
    if indices.shape[1] < max(ns):
        raise LofiError(
            f"expected at least {max(ns)} neighbours a query for recall@{max(ns)}, found "
            f"{indices.shape[1]}. Search with k={max(ns)}; a small database pads with -1."
        )
    return hits_of_ranks(first_correct(indices, positives), ns)


def counted_queries(positives: Sequence[np.ndarray], without_positives: str = "miss") -> np.ndarray:
    """Bool Q: the queries that recall is taken over.

    Args:
        without_positives: what a query that has no positive in the database is: "miss" counts it as
            one that was not found (VPR-methods-evaluation, the deep VG benchmark), "drop" leaves it
            out (official MSLS).

    Raises:
        LofiError: `without_positives` is neither.
    """
    if without_positives not in get_args(WithoutPositives):
        raise LofiError(f"expected without_positives 'miss' or 'drop', found {without_positives!r}.")
    if without_positives == "miss":
        return np.ones(len(positives), bool)
    return np.fromiter((len(p) > 0 for p in positives), bool, len(positives))


def recall_of_hits(hits: np.ndarray) -> np.ndarray:
    """Percent, float64 per column; NaN when there is no query at all."""
    if len(hits) == 0:
        return np.full(hits.shape[1:], np.nan)
    return 100.0 * hits.mean(axis=0)


def recall_at(
    indices: np.ndarray,
    positives: Sequence[np.ndarray],
    ns: Sequence[int] = NS,
    without_positives: str = "miss",
) -> dict[int, float]:
    """Recall@n in percent for each n.

    Args:
        indices: int64 Q x k, database rows, nearest first; -1 pads.
        positives: Q sorted arrays of database rows.
        without_positives: "miss" or "drop", see `counted_queries`.

    Raises:
        LofiError: no query is left to count, or the arguments disagree.
    """
    counted = counted_queries(positives, without_positives)
    if not counted.any():
        raise LofiError(
            "expected at least one query with a positive, found none. "
            "Widen the positives (for example 50m) or check the positions."
        )
    recall = recall_of_hits(hits_matrix(indices, positives, ns)[counted])
    return {int(n): float(r) for n, r in zip(ns, recall, strict=True)}
