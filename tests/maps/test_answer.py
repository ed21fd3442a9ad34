"""From candidates to a fix: position, probability, and the reason of an abstention."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from lofivpr.maps.answer import answer, refusal
from lofivpr.maps.asked import Asked
from lofivpr.maps.calibrate import Terms, calibration_of
from lofivpr.maps.calibration import Calibration
from lofivpr.maps.evidence import SeenQuality
from lofivpr.maps.fix import Candidate
from lofivpr.maps.position import degrees_of, estimate
from lofivpr.places.geodesy import LocalFrame, geocentric, geodesic

FRAME = LocalFrame(-17.0, 179.9999)
CHANNELS = ("raw", "240p/jpeg:10", "240p/jpeg:2")


@pytest.fixture(scope="module")
def calibration(ask_street: Callable[..., Asked]) -> Calibration:
    return calibration_of([ask_street(quality) for quality in CHANNELS], Terms(candidates=6), "student", "teacher")


def candidates(similarity: list[float], x: list[float]) -> list[Candidate]:
    at = FRAME.inverse(np.column_stack((x, np.zeros(len(x)))))
    return [
        Candidate(f"{row}.jpg", *map(float, pair), None, value, row)
        for row, (pair, value) in enumerate(zip(at, similarity, strict=True))
    ]


SURE = candidates([0.9, 0.8, 0.75, 0.1, 0.05, 0.0], [0, 8, -8, 900, -900, 1500])
UNSURE = candidates([0.12, 0.11, 0.11, 0.1, 0.1, 0.1], [0, 800, -800, 900, -900, 1500])


def test_without_a_calibration_there_is_a_best_guess() -> None:
    fix = answer(UNSURE, within_m=10.0)
    assert fix.answered and fix.probability is None and fix.within_m == 10.0
    at = FRAME.inverse(np.zeros((1, 2)))[0]
    assert geodesic(*(np.array([v]) for v in (fix.lat, fix.lon, *at)))[0] < 1e-3


def test_the_sure_are_answered_and_the_unsure_are_told_why(calibration: Calibration) -> None:
    sure, unsure = answer(SURE, calibration), answer(UNSURE, calibration, SeenQuality("jpeg", 240, 0.1))
    assert sure.answered and sure.reason is None and sure.probability is not None and sure.probability > 0.9
    assert not unsure.answered and unsure.probability is not None and unsure.lat is not None
    assert f"{unsure.probability:.2f}" in str(unsure.reason) and "at most 5 %" in str(unsure.reason)


def test_is_what_the_calibration_says_of_these_candidates(calibration: Calibration) -> None:
    seen = SeenQuality("jpeg", 240, 0.4)
    lat, lon = np.array([[c.lat, c.lon] for c in SURE], np.float64).T
    points, similarity = geocentric(lat, lon)[None], np.array([[c.similarity for c in SURE]])
    found = estimate(points, similarity, 25.0)
    fix = answer(SURE, calibration, seen)
    assert fix.probability == pytest.approx(calibration.probability(similarity, points, found, [seen])[0])
    assert (fix.lat, fix.lon) == pytest.approx(tuple(degrees_of(found.points)[0]))


def test_only_so_many_candidates_count_as_were_calibrated(calibration: Calibration) -> None:
    more = [*SURE, *candidates([-0.5] * 20, list(range(2000, 4000, 100)))]
    fix = answer(more, calibration)
    assert (fix.probability, fix.lat) == (answer(SURE, calibration).probability, answer(SURE, calibration).lat)
    assert len(fix.candidates) == 26 and len(answer(more, calibration, keep=3).candidates) == 3


@pytest.mark.parametrize("known", [[], [Candidate("a", None, None, None, 0.9, 0)]])
def test_nothing_to_answer_with(known: list[Candidate], calibration: Calibration) -> None:
    for judge in (None, calibration):
        fix = answer(known, judge)
        assert not fix.answered and fix.lat is None and fix.probability is None and "no place" in str(fix.reason)


def test_where_no_threshold_keeps_the_promise_the_reason_names_the_quality(calibration: Calibration) -> None:
    never = tuple(replace(one, probability=None) for one in calibration.thresholds)
    strict = replace(calibration, thresholds=never)
    assert "no probability that keeps this" in str(refusal(strict, SeenQuality(), 1.0))
    each = replace(strict, guarantee="each")
    assert "at qualities like 240p/jpeg:2" in str(refusal(each, SeenQuality("jpeg", 240, 0.1), 1.0))
