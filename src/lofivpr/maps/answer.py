"""From candidates to a `Fix`: position, probability, and whether that is an answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from lofivpr.maps.calibration import Calibration
from lofivpr.maps.evidence import SeenQuality
from lofivpr.maps.fix import Candidate, Fix
from lofivpr.maps.position import degrees_of, estimate, points_of

WITHIN_M = 25.0
NOTHING = "no place of the map could be compared, or none has a latitude and longitude"


def answer(
    candidates: Sequence[Candidate],
    calibration: Calibration | None = None,
    seen: SeenQuality | None = None,
    within_m: float = WITHIN_M,
    keep: int | None = None,
) -> Fix:
    """The position of a query, how sure it is, and whether that is sure enough.

    Args:
        candidates: best first; with a calibration as many as its `candidates`, if the map holds so many.
        calibration: the map's, for the model that described the query.
        seen: the quality in which the query arrived; None: as good as uncompressed.
        within_m: metres, where there is no calibration.
        keep: how many candidates the fix names; all by default.
    """
    known = list(candidates)
    within = calibration.within_m if calibration else within_m
    named = tuple(known[:keep])
    used = known[: calibration.candidates] if calibration else known
    points = points_of(used)[None]
    if not np.isfinite(points).all(axis=2).any():
        return Fix(named, None, None, None, within, False, NOTHING, None)
    similarity = np.array([[one.similarity for one in used]], np.float64)
    found = estimate(points, similarity, within)
    lat, lon = (float(value) for value in degrees_of(found.points)[0])
    spread = float(found.spread_m[0])
    if calibration is None:
        return Fix(named, lat, lon, None, within, True, None, spread)
    quality = seen or SeenQuality()
    probability = float(calibration.probability(similarity, points, found, [quality])[0])
    reason = refusal(calibration, quality, probability)
    return Fix(named, lat, lon, probability, within, reason is None, reason, spread)


def refusal(calibration: Calibration, seen: SeenQuality, probability: float) -> str | None:
    """Why a probability is not sure enough for an answer, None where it is."""
    threshold = calibration.threshold(seen)
    promise = f"at most {100 * threshold.wrong_at_most:g} % of the answers may be wrong"
    if threshold.probability is None:
        at = "" if threshold.quality == "mix" else f" at qualities like {threshold.quality}"
        return f"{promise}, and the calibration found no probability that keeps this{at}"
    if probability < threshold.probability:
        return f"the probability is {probability:.2f}; {promise}, which needs {threshold.probability:.2f}"
    return None
