from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad

from lofivpr.evaluation.rate import RateCurve, RateError, bd_rate, bd_rate_interval, saving_at_best

BYTES = np.array([500.0, 1000, 2000, 4000, 8000])
RECALL = np.array([10.0, 25, 42, 55, 60])


@given(st.floats(0.05, 20), st.permutations(range(5)))
def test_a_constant_factor_of_bytes_is_found_exactly(factor: float, order: list[int]) -> None:
    found = bd_rate(factor * BYTES[order], RECALL[order], BYTES, RECALL)
    assert found.percent == pytest.approx(100 * (factor - 1), abs=1e-6)
    assert (found.recall_low, found.recall_high) == (10, 60)


def test_half_the_bytes_is_minus_fifty_percent() -> None:
    assert bd_rate(BYTES / 2, RECALL, BYTES, RECALL).percent == pytest.approx(-50)
    assert bd_rate(BYTES, RECALL, BYTES / 2, RECALL).percent == pytest.approx(100)


def test_known_curves_agree_with_numeric_integration() -> None:
    """Two straight lines in log bytes, of which only a part of the recall is shared."""
    recall_a, recall_b = np.linspace(20, 80, 7), np.linspace(5, 65, 7)

    def log_a(r: float) -> float:
        return 4 + 0.05 * r

    def log_b(r: float) -> float:
        return 5 + 0.04 * r

    found = bd_rate(np.exp(log_a(recall_a)), recall_a, np.exp(log_b(recall_b)), recall_b)
    area, _ = quad(lambda r: log_a(r) - log_b(r), 20, 65)
    assert (found.recall_low, found.recall_high) == pytest.approx((20, 65))
    assert found.percent == pytest.approx(100 * (np.exp(area / 45) - 1), abs=1e-6)


def test_bent_curves_agree_with_fine_sums() -> None:
    other = np.array([6.0, 30, 35, 50, 70])
    found = bd_rate(BYTES, other, BYTES, RECALL)
    a, b = RateCurve.fit(BYTES, other), RateCurve.fit(BYTES, RECALL)
    grid = np.linspace(found.recall_low, found.recall_high, 200_001)
    mean = float(np.mean(a.log_bytes_at(grid) - b.log_bytes_at(grid)))
    assert found.percent == pytest.approx(100 * (np.exp(mean) - 1), abs=1e-3)


def test_the_fit_passes_through_rising_points_and_never_turns() -> None:
    curve = RateCurve.fit(BYTES, RECALL)
    assert np.exp(curve.log_bytes_at(RECALL)) == pytest.approx(BYTES)
    assert (np.diff(curve.log_bytes_at(np.linspace(10, 60, 500))) > 0).all()


def test_a_fall_is_pooled_and_a_plateau_costs_its_fewest_bytes() -> None:
    curve = RateCurve.fit(BYTES, [10, 40, 30, 50, 50])
    assert curve.recall.tolist() == [10, 35, 50]
    assert np.exp(curve.log_bytes).tolist() == pytest.approx([500, 1000, 4000])


def test_outside_the_measured_range_there_is_no_value() -> None:
    assert np.isnan(RateCurve.fit(BYTES, RECALL).log_bytes_at(np.array([9.0, 61.0]))).all()


@pytest.mark.parametrize(
    ("n_bytes", "recall", "message"),
    [
        (BYTES[:3], RECALL[:3], "at least 4 qualities"),
        (BYTES, RECALL + 41, "share at least 10 points"),
        (BYTES, np.full(5, 30.0), "share at least 10 points"),
        ([0, 1000, 2000, 4000], RECALL[:4], "bytes above 0"),
    ],
)
def test_refusals(n_bytes: list[float], recall: list[float], message: str) -> None:
    with pytest.raises(RateError, match=message):
        bd_rate(n_bytes, recall, BYTES, RECALL)


def test_ten_points_of_shared_range_are_enough() -> None:
    assert bd_rate(BYTES, RECALL + 40, BYTES, RECALL).recall_low == 50
    with pytest.raises(RateError):
        bd_rate(BYTES, RECALL + 40.1, BYTES, RECALL)


def test_interval_holds_the_true_factor_and_shrinks_with_the_noise() -> None:
    rng = np.random.default_rng(0)

    def width(noise: float) -> float:
        draws = [RECALL + noise * rng.standard_normal((200, 5)) for _ in range(2)]
        low, high = bd_rate_interval(BYTES / 2, draws[0], BYTES, draws[1])
        assert low is not None and high is not None and low < -50 < high
        return high - low

    assert width(0.3) < 0.5 * width(2.0)


def test_no_interval_when_too_many_draws_share_no_range() -> None:
    far = np.tile(RECALL + 60, (20, 1))
    assert bd_rate_interval(BYTES, far, BYTES, np.tile(RECALL, (20, 1))) == (None, None)


POINT = st.tuples(st.integers(1, 20), st.integers(0, 10))


@given(st.lists(POINT, min_size=1, max_size=6), st.lists(POINT, min_size=1, max_size=6))
def test_the_bound_is_the_cheapest_pair_at_the_best_recall(a: list[tuple[int, int]], b: list[tuple[int, int]]) -> None:
    top = max(recall for _, recall in b)
    theirs = min(cost for cost, recall in b if recall == top)
    mine = min((cost for cost, recall in a if recall >= top), default=None)
    found = saving_at_best(([c for c, _ in a], [r for _, r in a]), ([c for c, _ in b], [r for _, r in b]))
    if mine is None or mine >= theirs:
        assert found is None
    else:
        assert found is not None and a[found[0]][0] == mine and a[found[0]][1] >= top
        assert b[found[1]] == (theirs, top)
