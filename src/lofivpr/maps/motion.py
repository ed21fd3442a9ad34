"""How a camera moves between the places of a map: a random walk with a limit to its speed, now and then a leap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_matrix
from scipy.spatial import cKDTree

from lofivpr.errors import LofiError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """What is assumed of a camera.

    Attributes:
        speed_m_s: metres a second that it does not exceed.
        leaps_per_s: how often, on average, it is suddenly anywhere: a restart, a stretch without frames, a filter
            that was led astray. What makes a lost track found again.
        forget_s: after a pause this long nothing is assumed of where it is.
        independent_s: frames closer in time than this show nearly the same picture and are wrong together; each then
            counts as the part of one frame that its time is of this.
    """

    speed_m_s: float = 3.0
    leaps_per_s: float = 0.01
    forget_s: float = 60.0
    independent_s: float = 1.0

    def __post_init__(self) -> None:
        if not (0 < self.speed_m_s < 1000 and 0 < self.leaps_per_s < 100 and self.forget_s > 0):
            raise LofiError(f"expected a speed, leaps and a time to forget above 0, found {self}.")
        if not 0 <= self.independent_s < np.inf:
            raise LofiError(f"expected seconds for independent_s, found {self.independent_s}.")

    def leap(self, dt_s: float) -> float:
        """The probability of at least one leap in a time (a Poisson process)."""
        return float(-np.expm1(-self.leaps_per_s * dt_s))

    def weight(self, dt_s: float | None) -> float:
        """What a frame counts that comes so long after the one before; None is the first."""
        if dt_s is None or self.independent_s == 0:
            return 1.0
        return min(1.0, dt_s / self.independent_s)


def spacing_of(points: Floats) -> float:
    """How far apart neighbouring places are, in metres: the median distance to the nearest (N x 3, distinct)."""
    if len(points) < 2:
        return 1.0
    distance, _ = cKDTree(points).query(points, k=2)
    return float(np.median(distance[:, 1]))


def step_of(step_m: float, spacing_m: float) -> tuple[float, float]:
    """The probability that the camera leaves its place, and how far it then may go, in metres.

    Where a step (speed x time) is shorter than places are apart the camera would never leave: it stays for now, and
    with the probability step / spacing goes to a place within twice the spacing, which gives it the same speed on
    average. Longer steps are rounded up to whole spacings, so that few different reaches occur.
    """
    if step_m <= 2 * spacing_m:
        return min(1.0, step_m / spacing_m), 2 * spacing_m
    return 1.0, float(np.ceil(step_m / spacing_m)) * spacing_m


def walk(points: Floats, reach_m: float) -> csr_matrix:
    """Row-stochastic N x N: from place i to any place within reach, itself among them, with equal probability.

    Args:
        points: float64 N x 3 metres, distinct.
    """
    pairs = cKDTree(points).query_pairs(reach_m, output_type="ndarray")
    n = len(points)
    itself = np.arange(n)
    rows, columns = (np.concatenate((pairs[:, a], pairs[:, 1 - a], itself)) for a in (0, 1))
    matrix = csr_matrix((np.ones(len(rows)), (rows, columns)), shape=(n, n))
    matrix.data /= np.repeat(np.diff(matrix.indptr), np.diff(matrix.indptr))
    return matrix
