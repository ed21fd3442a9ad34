"""The solver: a map between two planes from pairs of points. Pure functions."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lofivpr.alignment.covariance import PARAMETERS, expected_rms
from lofivpr.alignment.plane_map import Kind, PlaneMap
from lofivpr.alignment.trajectory import AlignmentError, Floats

Mask = npt.NDArray[np.bool_]
LEAST = {"similarity": 2, "affine": 3}  # pairs that fix the map
NARROW = 0.02  # points whose spread across is less than this share of that along count as on a line
TRIES = 2000  # subsets of pairs that RANSAC looks at; all of them where there are no more


@dataclass(frozen=True, eq=False)
class Solution:
    """A map between planes, and how well N pairs agree with it. Lengths are in units of the target.

    Attributes:
        plane_map: from source to target.
        source: float64 N x 2, the pairs' points in the source.
        residuals: float64 N, the distance from each mapped point to its partner, wrong pairs too.
        used: bool N, the pairs that the map is fitted to.
        rms: root of the mean square of the residuals of the pairs used.
        sigma: noise of one coordinate of a picked point, as the residuals tell it; NaN if no pair is to spare.
    """

    plane_map: PlaneMap
    source: Floats
    residuals: Floats
    used: Mask
    rms: float
    sigma: float

    def expected_rms(self, at: Floats) -> float:
        """The RMS error to expect of mapped points (`at`, M x 2 in the source), by the pairs' noise; NaN if unknown."""
        return expected_rms(self.source[self.used], at, self.plane_map.kind, self.sigma)


def solve(source: Floats, target: Floats, kind: Kind = "similarity", within: float | None = None) -> Solution:
    """The least-squares map of the pairs: source[i] belongs to target[i], both N x 2.

    Args:
        within: pairs that are farther off than this (units of the target) are wrong and do not count; they are
            found by RANSAC. None trusts every pair.

    Raises:
        AlignmentError: too few pairs, points that do not fix the map, or no pairs that agree.
    """
    source, target = _checked(source, target, kind)
    used = np.ones(len(source), dtype=bool) if within is None else agreeing(source, target, kind, within)
    plane_map = fit(source[used], target[used], kind)
    residuals = np.linalg.norm(plane_map.apply(source) - target, axis=1)
    squares = float(np.sum(residuals[used] ** 2))
    spare = 2 * int(used.sum()) - PARAMETERS[kind]
    sigma = math.sqrt(squares / spare) if spare > 0 else math.nan
    return Solution(plane_map, source, residuals, used, math.sqrt(squares / used.sum()), sigma)


def fit(source: Floats, target: Floats, kind: Kind) -> PlaneMap:
    """The least-squares map of all pairs, N x 2 each.

    Raises:
        AlignmentError: see `solve`.
    """
    source, target = _checked(source, target, kind)
    if kind == "similarity":
        scale, rotation, shift = umeyama(source, target)
        return PlaneMap.of(kind, np.column_stack([scale * rotation, shift]))
    # About the centres, so that the shift does not spoil the condition of metres in the millions.
    middle, middle_of_target = source.mean(axis=0), target.mean(axis=0)
    matrix = np.linalg.lstsq(source - middle, target - middle_of_target, rcond=None)[0].T
    return PlaneMap.of(kind, np.column_stack([matrix, middle_of_target - matrix @ middle]))


def umeyama(source: Floats, target: Floats) -> tuple[float, Floats, Floats]:
    """The similarity target = s R source + t that is best in least squares, of N x d points, d = 2 or 3.

    Closed form of Umeyama, "Least-squares estimation of transformation parameters between two point patterns"
    (1991), equations 40 to 43.

    Returns:
        s > 0, R (d x d, a rotation) and t (d).
    """
    middle, middle_of_target = source.mean(axis=0), target.mean(axis=0)
    a, b = source - middle, target - middle_of_target
    left, sizes, right = np.linalg.svd(b.T @ a / len(a))
    signs = np.ones(len(sizes))
    if np.linalg.det(left) * np.linalg.det(right) < 0:
        signs[-1] = -1  # a rotation, not a reflection
    rotation = left @ np.diag(signs) @ right
    scale = float((sizes * signs).sum() / np.mean(np.sum(a**2, axis=1)))
    return scale, rotation, middle_of_target - scale * rotation @ middle


def agreeing(source: Floats, target: Floats, kind: Kind, within: float) -> Mask:
    """The pairs that agree with one map to `within`, by RANSAC and refitting, bool N; the same each time.

    Raises:
        AlignmentError: no map has one pair more than fixes it.
    """
    if not (math.isfinite(within) and within > 0):
        raise AlignmentError(f"expected a positive distance within which pairs agree, found {within}.")
    least, best = LEAST[kind], np.zeros(len(source), dtype=bool)
    lowest = math.inf
    for subset in _subsets(len(source), least):
        if not _fixes(source[subset], target[subset], kind):
            continue
        off = np.linalg.norm(fit(source[subset], target[subset], kind).apply(source) - target, axis=1)
        # MSAC: of maps with as many pairs, the one that they agree with best.
        cost = float(np.sum(np.minimum(off, within) ** 2))
        if cost < lowest:
            lowest, best = cost, off <= within
    best = _refitted(source, target, kind, within, best)
    if best.sum() < min(least + 1, len(source)):
        raise AlignmentError(
            f"expected at least {least + 1} pairs that agree to {within:g}, found {int(best.sum())} of {len(source)}. "
            "Correct the pairs, or allow a larger distance."
        )
    return best


def _refitted(source: Floats, target: Floats, kind: Kind, within: float, used: Mask) -> Mask:
    """The pairs that agree with the map of those that agree, until they stay the same."""
    for _ in range(20):
        if used.sum() < LEAST[kind] or not _fixes(source[used], target[used], kind):
            break
        now = np.linalg.norm(fit(source[used], target[used], kind).apply(source) - target, axis=1) <= within
        if (now == used).all():
            break
        used = now
    return used


def _subsets(count: int, size: int) -> list[list[int]]:
    if math.comb(count, size) <= TRIES:
        return [list(subset) for subset in itertools.combinations(range(count), size)]
    rng = np.random.default_rng(0)
    return [rng.choice(count, size, replace=False).tolist() for _ in range(TRIES)]


def _checked(source: Floats, target: Floats, kind: Kind) -> tuple[Floats, Floats]:
    source, target = (np.asarray(points, dtype=np.float64).reshape(-1, 2) for points in (source, target))
    if len(source) != len(target) or not (np.isfinite(source).all() and np.isfinite(target).all()):
        raise AlignmentError(f"expected pairs of finite points, found {len(source)} and {len(target)}.")
    if len(source) < LEAST[kind]:
        raise AlignmentError(
            f"expected at least {LEAST[kind]} pairs for {_article(kind)}, found {len(source)}. Pick more."
        )
    if not _fixes(source, target, kind):
        shape = "apart from each other" if kind == "similarity" else "that do not lie almost on a line"
        raise AlignmentError(f"expected points {shape}, on both sides, for {_article(kind)}. Pick others.")
    return source, target


def _article(kind: Kind) -> str:
    return "a similarity" if kind == "similarity" else "an affine map"


def _fixes(source: Floats, target: Floats, kind: Kind) -> bool:
    """Are the points spread enough to fix the map, and it to be turned round?"""
    for points in (source, target):
        sizes = np.linalg.svd(points - points.mean(axis=0), compute_uv=False)
        size = max(1e-300, float(np.abs(points).max()))
        if sizes[0] <= 1e-9 * size or (kind == "affine" and sizes[1] <= NARROW * sizes[0]):
            return False
    return True
