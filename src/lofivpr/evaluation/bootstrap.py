"""Intervals by the cluster bootstrap: whole panoramas or sequences are drawn, never single pictures.

Pictures of one panorama or one drive succeed and fail together, so drawing them one by one would
make every interval too narrow (Field and Welsh, 2007, "Bootstrapping clustered data").
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from lofivpr.errors import LofiError

DRAWS = 2000
LEVEL = 95.0
BLOCK_NUMBERS = 2_000_000  # counts in memory at a time: 2,000 draws of 1,000 groups


@dataclass(frozen=True)
class Difference:
    """A difference of two percentages on the same queries, in points, with its interval."""

    mean: float
    low: float
    high: float

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise LofiError(f"expected low <= high, found {self.low} and {self.high}.")

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0

    def __str__(self) -> str:
        return f"{self.mean:+.1f} [{self.low:+.1f}, {self.high:+.1f}]"


@lru_cache(maxsize=16)
def group_counts(groups: int, draws: int, seed: int, start: int) -> np.ndarray:
    """Uint16 draws x groups: how often each group is drawn when `groups` are drawn with replacement.

    `start` numbers the first of the draws. Kept, since every row of an evaluation asks for the same.
    """
    rng = np.random.default_rng([seed, start])
    return rng.multinomial(groups, np.full(groups, 1.0 / groups), size=draws).astype(np.uint16)


def resampled_means(values: np.ndarray, groups: np.ndarray, draws: int = DRAWS, seed: int = 0) -> np.ndarray:
    """Means of `values` in `draws` bootstrap samples of whole groups.

    Args:
        values: Q or Q x M, numeric or bool.
        groups: int Q, the panorama or sequence of each query.

    Returns:
        float64 draws or draws x M. The same seed and groups draw the same samples, whatever the values.
    """
    values = np.asarray(values, np.float64)
    names, group = np.unique(groups, return_inverse=True)
    sums = np.zeros((len(names), *values.shape[1:]))
    np.add.at(sums, group, values)
    sizes = np.bincount(group, minlength=len(names)).astype(np.float64)
    means = np.empty((draws, *values.shape[1:]))
    block = max(1, BLOCK_NUMBERS // len(names))
    for start in range(0, draws, block):
        counts = group_counts(len(names), min(block, draws - start), seed, start).astype(np.float64)
        total = counts @ sizes
        means[start : start + block] = (counts @ sums) / total.reshape(-1, *[1] * (values.ndim - 1))
    return means


def bootstrap_interval(
    hits: np.ndarray,
    groups: np.ndarray,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """Percentile interval of the mean of `hits`, in percent, over groups of queries.

    Args:
        hits: bool Q or Q x M.
        groups: int Q.
        level: percent that the interval covers.

    Returns:
        (low, high), float64 of shape () or M. With one group nothing is known of how groups differ,
        and the interval is all of 0 .. 100.

    Raises:
        LofiError: no queries, or not one group a query.
    """
    _check(hits, groups)
    if len(np.unique(groups)) < 2:
        shape = np.shape(hits)[1:]
        return np.zeros(shape), np.full(shape, 100.0)
    low, high = percentiles(100.0 * resampled_means(hits, groups, draws, seed), level)
    return low, high


def paired_difference(
    hits_a: np.ndarray,
    hits_b: np.ndarray,
    groups: np.ndarray,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Difference:
    """Mean of a - b in points, both on the same queries, with its cluster-bootstrap interval.

    The pairing removes what makes a query easy or hard for both, so that two models whose own
    intervals overlap can still differ clearly.

    Args:
        hits_a, hits_b: bool Q at one n.
        groups: int Q.

    Raises:
        LofiError: the two were not measured on the same number of queries, or there are none.
    """
    if np.shape(hits_a) != np.shape(hits_b):
        raise LofiError(
            f"expected two models on the same queries, found {np.shape(hits_a)} and {np.shape(hits_b)} "
            "hits. Evaluate both with the same places and protocol."
        )
    _check(hits_a, groups)
    change = np.asarray(hits_a, np.float64) - np.asarray(hits_b, np.float64)
    mean = float(100.0 * change.mean())
    if len(np.unique(groups)) < 2:
        return Difference(mean, -100.0, 100.0)
    low, high = percentiles(100.0 * resampled_means(change, groups, draws, seed), level)
    return Difference(mean, float(low), float(high))


def percentiles(values: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """Low and high end, along the first axis, of the middle `level` percent of the draws."""
    tail = (100.0 - level) / 2.0
    low, high = np.percentile(values, [tail, 100.0 - tail], axis=0)
    return low, high


def _check(hits: np.ndarray, groups: np.ndarray) -> None:
    if len(hits) == 0:
        raise LofiError("expected at least one query for an interval, found none.")
    if len(hits) != len(groups):
        raise LofiError(f"expected one group a query ({len(hits)}), found {len(groups)}.")
