"""The promise "wrong at most": exact binomial sums, and simulations in which it must hold as often as it says."""

from __future__ import annotations

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.maps.abstain import (
    Threshold,
    clopper_pearson_upper,
    groups_needed,
    learn_threshold,
    one_of_each,
    order_of_testing,
    risk_p_value,
)


def binomial_sum(wrong: int, n: int, share: float) -> float:
    """P(at most so many wrong of n)."""
    return sum(comb(n, i) * share**i * (1 - share) ** (n - i) for i in range(wrong + 1))


@given(n=st.integers(1, 60), wrong=st.integers(0, 60), share=st.floats(0.01, 0.6))
def test_p_value_is_the_binomial_sum(n: int, wrong: int, share: float) -> None:
    wrong = min(wrong, n)
    assert risk_p_value(wrong, n, share) == pytest.approx(binomial_sum(wrong, n, share), rel=1e-9, abs=1e-12)


@given(n=st.integers(1, 60), wrong=st.integers(0, 60), confidence=st.floats(0.5, 0.99))
def test_the_upper_bound_is_where_the_sum_is_the_doubt(n: int, wrong: int, confidence: float) -> None:
    wrong = min(wrong, n)
    upper = clopper_pearson_upper(wrong, n, confidence)
    if wrong == n:
        assert upper == 1
    else:
        assert binomial_sum(wrong, n, upper) == pytest.approx(1 - confidence, rel=1e-6)


def test_how_many_right_answers_prove_anything() -> None:
    assert groups_needed(0.05, 0.95) == 59 and groups_needed(0.05, 0.9) == 45
    for share, confidence in ((0.05, 0.95), (0.05, 0.9), (0.2, 0.8)):
        n = groups_needed(share, confidence)
        assert (1 - share) ** n <= 1 - confidence < (1 - share) ** (n - 1)


def world(rng: np.random.Generator, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Queries whose probability is not calibrated: nearly always right above 0.6, and below it off a cliff."""
    said = rng.uniform(size=n) ** 0.4
    return said, rng.uniform(size=n) < np.where(said > 0.6, 0.995, 0.5)


def risk(threshold: float) -> float:
    """The true share of wrong answers in `world`."""
    above, cliff = 1 - threshold**2.5, max(0.0, 0.6**2.5 - threshold**2.5)
    return ((above - cliff) * 0.005 + cliff * 0.5) / above


@pytest.mark.parametrize(("wrong_at_most", "confidence"), [(0.05, 0.9), (0.1, 0.8)])
def test_the_promise_is_kept_as_often_as_it_says(wrong_at_most: float, confidence: float) -> None:
    rng = np.random.default_rng(7)
    assert risk(0) > wrong_at_most > risk(0.6)  # who answers everything breaks it
    found = []
    trials = 600
    for _ in range(trials):
        order = order_of_testing(*world(rng, 300), 200, wrong_at_most, confidence)
        threshold = learn_threshold(order, *world(rng, 200), wrong_at_most, confidence).probability
        found.append(1.0 if threshold is None else threshold)
    broken, doubt = sum(risk(t) > wrong_at_most for t in found if t < 1), 1 - confidence
    assert broken <= trials * doubt + 3 * np.sqrt(trials * doubt * (1 - doubt))
    assert np.median(found) < 0.65  # a promise kept by silence is none
    assert broken > 0  # the test sees promises that are broken


def test_what_is_not_certain_enough_is_not_promised() -> None:
    """Counting every picture of a panorama breaks the promise; one of each keeps it."""
    rng = np.random.default_rng(3)
    broken = {"every": 0, "one": 0}
    trials = 300
    for _ in range(trials):
        panorama = np.repeat(np.arange(60), 6)  # all six pictures of a panorama are right or wrong together
        right = (rng.uniform(size=60) < 0.94)[panorama]  # truly 6 % are wrong, at every threshold
        sure = np.full(360, 0.9)
        rows = one_of_each(panorama, int(rng.integers(1 << 30)))
        for name, part in (("every", slice(None)), ("one", rows)):
            broken[name] += learn_threshold(np.array([0.5]), sure[part], right[part]).probability is not None
    assert broken["one"] <= trials * 0.1 + 3 * np.sqrt(trials * 0.09)
    assert broken["every"] > 1.5 * trials * 0.1


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(0, 99))
def test_one_of_each(groups: list[int], seed: int) -> None:
    rows = one_of_each(np.array(groups), seed)
    assert sorted(groups[row] for row in rows) == sorted(set(groups)) and (np.diff(rows) > 0).all()


def test_one_of_each_is_drawn_evenly() -> None:
    rows = np.concatenate([one_of_each(np.array([0, 0, 0, 1]), seed) for seed in range(900)])
    count = np.bincount(rows, minlength=4)
    assert count[3] == 900 and (np.abs(count[:3] - 300) < 60).all()


def test_the_sequence_ends_at_the_first_that_cannot_be_rejected() -> None:
    sure = np.repeat([0.9, 0.8, 0.7], [100, 50, 400])
    right = np.repeat([True, False, True], [100, 50, 400])
    found = learn_threshold(np.array([0.9, 0.8, 0.7]), sure, right, 0.05, 0.9)
    assert (found.probability, found.answered, found.wrong) == (0.9, 100, 0)
    assert found.p_value == pytest.approx(0.95**100) and found.wrong_upper == pytest.approx(1 - 0.1**0.01)
    # 0.7 alone would pass at 12 % but is behind 0.8, which does not: it is never tested
    assert learn_threshold(np.array([0.9, 0.8, 0.7]), sure, right, 0.12, 0.9).probability == 0.9
    assert learn_threshold(np.array([0.7]), sure, right, 0.12, 0.9).probability == 0.7


def test_where_nothing_can_be_promised_nothing_is_answered() -> None:
    found = learn_threshold(np.array([0.5]), np.full(44, 0.9), np.full(44, True), 0.05, 0.9)
    assert found.probability is None and not found.answers(np.array([1.0])).any()
    enough = learn_threshold(np.array([0.5]), np.full(45, 0.9), np.full(45, True), 0.05, 0.9)
    assert enough.answers(np.array([0.5, 0.49])).tolist() == [True, False]


def test_the_order_falls_from_the_first_that_is_likely_kept() -> None:
    rng = np.random.default_rng(0)
    said, right = world(rng, 1000)
    order = order_of_testing(said, right, 200)
    assert (np.diff(order) < 0).all() and order[-1] == said.min()
    grid = np.quantile(said, np.linspace(0, 1, 100))
    steps = np.linspace(0, 1, 20_001)
    likely = []
    for threshold in grid:
        answered, wrong = np.sum(said >= threshold) / 5, np.sum(~right[said >= threshold]) / 5
        # The binomial sum as an integral, which knows broken numbers of queries too.
        density = steps ** max(answered - wrong - 1, 0) * (1 - steps) ** wrong
        likely.append(np.sum(density[steps <= 0.95]) / np.sum(density) <= 0.025)
    assert order[0] == pytest.approx(grid[np.flatnonzero(likely)[-1]])
    assert np.mean(said >= order[0]) * 200 > groups_needed(0.05, 0.9)  # the top of the list could prove nothing


def test_where_nothing_is_likely_the_order_starts_with_the_likeliest() -> None:
    said, right = np.linspace(0, 1, 101), np.arange(101) >= 60
    assert order_of_testing(said, right, 20)[0] == pytest.approx(0.61, abs=0.015)


@pytest.mark.parametrize(("share", "confidence"), [(0, 0.9), (1, 0.9), (0.05, 1), (0.05, 0)])
def test_impossible_promises_are_refused(share: float, confidence: float) -> None:
    with pytest.raises(LofiError, match="between 0 and 1"):
        Threshold(share, confidence, None, 0, 0, 0, 1.0)
    with pytest.raises(LofiError, match="between 0 and 1"):
        learn_threshold(np.array([0.5]), np.array([0.9]), np.array([True]), share, confidence)
