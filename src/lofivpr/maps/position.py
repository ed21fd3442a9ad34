"""A position from the candidates that agree.

All distances are between points in metres (earth-centred, as `places.geodesy.geocentric` makes them, or x, y, 0 of a
local map), so that neither UTM zones nor the date line matter.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lofivpr.maps.fix import Candidate
from lofivpr.places.geodesy import GEOD, geocentric

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Estimates:
    """Positions of Q queries.

    `points` float64 Q x 3, NaN where no candidate has a position; `agree` bool Q x K, the candidates it stands on;
    `spread_m` float64 Q, their weighted root mean square distance from it.
    """

    points: Floats
    agree: Bools
    spread_m: Floats


def weights(similarity: Floats) -> Floats:
    """What each candidate counts, float64 Q x K: its similarity above the last candidate's, a part of the first's.

    The K-th neighbour is as alike as pictures of other places are; what resembles the query no more than that says
    nothing of where it was taken. The first always counts 1.
    """
    last = np.nanmin(np.where(np.isfinite(similarity), similarity, np.inf), axis=1, keepdims=True)
    above = np.nan_to_num(similarity - last, nan=0.0, neginf=0.0, posinf=0.0)
    first = above[:, :1]
    share = np.divide(above, first, out=np.zeros_like(above), where=first > 0)
    share[:, 0] = 1.0
    return share


def estimate(points: Floats, similarity: Floats, within_m: float) -> Estimates:
    """The weighted mean of the candidates within `within_m` metres of the best one that has a position.

    A mean over all candidates would lie between places; one wrong place far away must not move the answer at all.

    Args:
        points: float64 Q x K x 3 metres, best candidate first, NaN where there is none or it has no position.
        similarity: float64 Q x K, not increasing along a row; NaN or -inf where there is no candidate.
        within_m: metres.
    """
    known = np.all(np.isfinite(points), axis=2)
    some = np.any(known, axis=1)
    rows = np.arange(len(points))
    best = points[rows, known.argmax(axis=1)]
    distance = np.linalg.norm(np.where(known[..., None], points, np.inf) - np.nan_to_num(best)[:, None], axis=2)
    agree: Bools = known & (distance <= within_m)
    share = np.where(agree, weights(similarity), 0.0)
    # Where the best one has no position, all that agree may be no more alike than the last candidate: then evenly.
    share = np.where(share.sum(axis=1, keepdims=True) > 0, share, agree)
    share = share / np.where(some, share.sum(axis=1), 1.0)[:, None]
    # Relative to the best: sums of 6,000 km would lose digits.
    offset = np.where(agree[..., None], points - best[:, None], 0.0)
    mean = (share[..., None] * offset).sum(axis=1)
    spread = np.sqrt((share * ((offset - mean[:, None]) ** 2).sum(axis=2)).sum(axis=1))
    return Estimates(np.where(some[:, None], best + mean, np.nan), agree, np.where(some, spread, np.nan))


def points_of(candidates: Sequence[Candidate]) -> Floats:
    """Where the candidates are, float64 K x 3 earth-centred metres, NaN where they have no position."""
    lat, lon = (
        np.array([np.nan if one is None else one for one in column], np.float64)
        for column in ([c.lat for c in candidates], [c.lon for c in candidates])
    )
    points = np.full((len(candidates), 3), np.nan)
    known = np.isfinite(lat)
    if known.any():
        points[known] = geocentric(lat[known], lon[known])
    return points


def degrees_of(points: Floats) -> Floats:
    """Earth-centred metres (Q x 3, on or a little below the ellipsoid) to degrees, float64 Q x 2 (lat, lon)."""
    x, y, z = np.asarray(points, np.float64).T
    # Exact on the ellipsoid; a mean of points 100 m apart lies 0.2 mm below it, which moves nothing.
    lat = np.degrees(np.arctan2(z, np.hypot(x, y) * (1 - GEOD.es)))
    return np.column_stack((lat, np.degrees(np.arctan2(y, x))))
