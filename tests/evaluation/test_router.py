from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.evaluation.router import bits_per_pixel, choose_threshold, routed_hits

CASE = st.tuples(st.booleans(), st.booleans(), st.sampled_from([0.05, 0.1, 0.4, 0.41, 2.0, float("nan")]))


def arrays(cases: list[tuple[bool, bool, float]]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    teacher, student, rate = map(np.array, zip(*cases, strict=True))
    return teacher, student, rate


def slow_routed(cases: list[tuple[bool, bool, float]], threshold: float) -> list[bool]:
    answers = []
    for teacher, student, rate in cases:
        if np.isnan(rate) or rate > threshold:
            answers.append(teacher)
        else:
            answers.append(student)
    return answers


@given(st.lists(CASE, min_size=1, max_size=30), st.sampled_from([0.0, 0.1, 0.2, 0.4, 5.0, float("inf")]))
def test_each_query_is_answered_by_its_side(cases: list[tuple[bool, bool, float]], threshold: float) -> None:
    assert routed_hits(*arrays(cases), threshold).tolist() == slow_routed(cases, threshold)


@given(st.lists(CASE, min_size=1, max_size=30))
def test_no_threshold_is_better_and_no_lower_one_as_good(cases: list[tuple[bool, bool, float]]) -> None:
    chosen = choose_threshold(*arrays(cases))
    best = sum(slow_routed(cases, chosen))
    for other in (0.0, 0.07, 0.2, 0.405, 1.0, float("inf")):
        hits = sum(slow_routed(cases, other))
        assert hits <= best
        if hits == best:
            assert slow_routed(cases, min(chosen, other)) == slow_routed(cases, chosen)


def test_the_threshold_lies_between_two_rates() -> None:
    rate = np.array([0.1, 0.2, 0.6, 0.8])
    student, teacher = np.array([1, 1, 0, 0], bool), np.array([0, 0, 1, 1], bool)
    assert choose_threshold(teacher, student, rate) == pytest.approx(0.4)
    assert choose_threshold(student, teacher, rate) == 0.0  # nothing is better than the teacher of all
    assert choose_threshold(np.zeros(4, bool), np.ones(4, bool), rate) == float("inf")
    assert routed_hits(teacher, student, rate, 0.4).all()
    assert choose_threshold(np.zeros(2, bool), np.ones(2, bool), np.full(2, np.nan)) == 0.0


def test_queries_times_qualities_are_routed_alike() -> None:
    rng = np.random.default_rng(0)
    teacher, student = rng.random((6, 4)) < 0.5, rng.random((6, 4)) < 0.5
    rate = np.where(np.arange(4) == 3, np.nan, rng.random((6, 4)))
    flat = routed_hits(teacher.ravel(), student.ravel(), rate.ravel(), 0.5)
    assert np.array_equal(routed_hits(teacher, student, rate, 0.5).ravel(), flat)
    assert choose_threshold(teacher, student, rate) == choose_threshold(teacher.T, student.T, rate.T)


def test_bits_of_a_pixel_are_unknown_without_a_codec() -> None:
    found = bits_per_pixel(np.array([1000, -1, 0]), 320 * 240)
    assert found[0] == pytest.approx(8000 / 76800) and np.isnan(found[1]) and found[2] == 0
    with pytest.raises(LofiError, match="at least one pixel"):
        bits_per_pixel(np.array([10]), 0)


def test_refusals() -> None:
    with pytest.raises(LofiError, match="same queries"):
        routed_hits(np.zeros(3, bool), np.zeros(2, bool), np.zeros(3), 0.1)
    with pytest.raises(LofiError, match="found none"):
        choose_threshold(np.zeros(0, bool), np.zeros(0, bool), np.zeros(0))
