"""Rate-recall curves, and their Bjontegaard difference: the same recall for how many per cent fewer bytes.

After Bjontegaard, "Calculation of average PSNR differences between RD-curves" (VCEG-M33, 2001), with
recall in the place of PSNR, and with a monotone fit, because recall is measured on a finite set of
queries and may fall a little where bytes rise.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from lofivpr.errors import LofiError

MIN_POINTS = 4
MIN_RANGE = 10.0


class RateError(LofiError):
    """Two curves between which a difference of rates would mean nothing."""


@dataclass(frozen=True)
class BdRate:
    """Mean difference of bytes at equal recall, in percent of b's bytes; negative: a needs fewer.

    `recall_low` .. `recall_high` is the range of recall (percent) that both curves reach; the
    difference is the mean over it, and says nothing outside. `low` .. `high` is its bootstrap
    interval, None where it was not computed or where too many draws had no shared range.
    """

    percent: float
    recall_low: float
    recall_high: float
    points: int
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        interval = "" if self.low is None else f" [{self.low:+.0f}, {self.high:+.0f}]"
        return (
            f"{self.percent:+.1f} %{interval} bytes at equal recall, "
            f"R@1 {self.recall_low:.1f} to {self.recall_high:.1f}"
        )


@dataclass(frozen=True)
class RateCurve:
    """Log bytes as a function of recall: isotonic fit, then a monotone cubic (PCHIP).

    `recall` (percent) rises strictly, `log_bytes` (natural log) too. Where the fit is flat, its recall
    costs the fewest bytes that reach it.
    """

    recall: np.ndarray
    log_bytes: np.ndarray

    @classmethod
    def fit(cls, n_bytes: Sequence[float], recall: Sequence[float]) -> RateCurve:
        """Fit points in any order.

        Args:
            n_bytes: mean bytes of a query at each quality, positive.
            recall: percent.

        Raises:
            RateError: fewer than 4 points, or a point without bytes.
        """
        cost, value = np.asarray(n_bytes, np.float64), np.asarray(recall, np.float64)
        if len(cost) != len(value) or len(cost) < MIN_POINTS:
            raise RateError(
                f"expected at least {MIN_POINTS} qualities with bytes and recall on a curve, found "
                f"{min(len(cost), len(value))}. Evaluate more settings of the codec."
            )
        if not (np.isfinite(cost).all() and (cost > 0).all() and np.isfinite(value).all()):
            raise RateError("expected bytes above 0 at every quality of a rate curve, found some without.")
        order = np.lexsort((-value, cost))
        fitted = isotonic_regression(value[order]).x
        rises = np.r_[True, np.diff(fitted) > 1e-9]
        return cls(fitted[rises], np.log(cost[order])[rises])

    def log_bytes_at(self, recall: np.ndarray) -> np.ndarray:
        """Natural log of the bytes that reach `recall` (percent), inside the curve's range."""
        return PchipInterpolator(self.recall, self.log_bytes, extrapolate=False)(recall)

    def mean_log_bytes(self, low: float, high: float) -> float:
        """Mean of the curve over recall low .. high, by the exact integral of its cubics."""
        curve = PchipInterpolator(self.recall, self.log_bytes, extrapolate=False)
        return float(curve.integrate(low, high)) / (high - low)


def bd_rate(
    bytes_a: Sequence[float],
    recall_a: Sequence[float],
    bytes_b: Sequence[float],
    recall_b: Sequence[float],
    min_range: float = MIN_RANGE,
) -> BdRate:
    """Bjontegaard difference of a against b, over the range of recall that both reach.

    Args:
        bytes_a, bytes_b: mean bytes a query at each quality.
        recall_a, recall_b: R@1 in percent at each quality.
        min_range: points of recall that the two must share.

    Returns:
        percent = 100 (exp(mean(ln bytes_a - ln bytes_b)) - 1): -50 says half the bytes.

    Raises:
        RateError: a curve has fewer than 4 points, or they share less than `min_range` points of recall.
    """
    a, b = RateCurve.fit(bytes_a, recall_a), RateCurve.fit(bytes_b, recall_b)
    low, high = max(a.recall[0], b.recall[0]), min(a.recall[-1], b.recall[-1])
    if high - low < max(min_range, 1e-9):
        raise RateError(
            f"expected two curves that share at least {min_range:g} points of recall, found "
            f"{a.recall[0]:.1f} to {a.recall[-1]:.1f} and {b.recall[0]:.1f} to {b.recall[-1]:.1f}. "
            "Add finer or coarser settings until the curves overlap."
        )
    change = a.mean_log_bytes(low, high) - b.mean_log_bytes(low, high)
    percent = 100.0 * float(np.expm1(change))
    return BdRate(percent, float(low), float(high), min(len(bytes_a), len(bytes_b)))


Curve = tuple[Sequence[float], Sequence[float]]


def saving_at_best(a: Curve, b: Curve) -> tuple[int, int] | None:
    """Where a needs fewer bytes than b to reach b's best recall: a bound that holds where `bd_rate` is refused.

    b's best recall costs it the fewest bytes at which it was measured; a reaches as much, or more, at the
    fewest bytes at which it was measured to do so. Finer settings of a could only save more, so the saving is
    "at least". It holds at that one recall and, unlike `bd_rate`, is no mean over a range.

    Args:
        a, b: mean bytes a query, and R@1 in percent, at each quality.

    Returns:
        (point of a, point of b), None where a does not reach b's best or needs as many bytes.
    """
    (bytes_a, recall_a), (bytes_b, recall_b) = a, b
    best = min(range(len(bytes_b)), key=lambda i: (-recall_b[i], bytes_b[i]))
    reached = [i for i in range(len(bytes_a)) if recall_a[i] >= recall_b[best]]
    fewest = min(reached, key=lambda i: bytes_a[i], default=None)
    return None if fewest is None or bytes_a[fewest] >= bytes_b[best] else (fewest, best)


def bd_rate_interval(
    bytes_a: Sequence[float],
    draws_a: np.ndarray,
    bytes_b: Sequence[float],
    draws_b: np.ndarray,
    level: float = 95.0,
) -> tuple[float, float] | tuple[None, None]:
    """Percentile interval of `bd_rate` from bootstrap samples of both recalls.

    Args:
        draws_a, draws_b: float64 draws x points, percent, from the same samples of queries.

    Returns:
        (low, high) in percent, or (None, None) when over 1 in 20 draws left no shared range.
    """
    values = []
    for recall_a, recall_b in zip(draws_a, draws_b, strict=True):
        try:
            values.append(bd_rate(bytes_a, recall_a, bytes_b, recall_b, min_range=1.0).percent)
        except RateError:
            continue
    if len(values) < 0.95 * len(draws_a):
        return None, None
    tail = (100.0 - level) / 2.0
    low, high = np.percentile(values, [tail, 100.0 - tail])
    return float(low), float(high)
