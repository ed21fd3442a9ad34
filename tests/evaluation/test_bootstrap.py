from __future__ import annotations

import math

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.evaluation import bootstrap
from lofivpr.evaluation.bootstrap import Difference, bootstrap_interval, paired_difference, resampled_means


def slow_means(hits: np.ndarray, groups: np.ndarray, draws: int) -> list[float]:
    """Draw whole groups one by one with Python's own lists."""
    rng = np.random.default_rng(99)
    members = {g: [float(h) for h, of in zip(hits, groups, strict=True) if of == g] for g in set(groups.tolist())}
    names = sorted(members)
    means = []
    for _ in range(draws):
        drawn = [value for g in rng.choice(names, len(names)) for value in members[g]]
        means.append(sum(drawn) / len(drawn))
    return means


def test_interval_is_that_of_the_slow_draws() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(30), rng.integers(1, 7, 30))
    hits = rng.random(len(groups)) < np.repeat(rng.random(30), np.bincount(groups))
    low, high = bootstrap_interval(hits, groups)
    slow_low, slow_high = np.percentile(100 * np.array(slow_means(hits, groups, 4000)), [2.5, 97.5])
    assert low == pytest.approx(slow_low, abs=1.5) and high == pytest.approx(slow_high, abs=1.5)


def test_single_pictures_give_the_binomial_interval() -> None:
    hits = np.arange(400) < 120
    low, high = bootstrap_interval(hits, np.arange(400))
    half = 100 * 1.96 * math.sqrt(0.3 * 0.7 / 400)
    assert low == pytest.approx(30 - half, abs=0.6) and high == pytest.approx(30 + half, abs=0.6)


def test_groups_that_agree_widen_the_interval() -> None:
    """Ten pictures a panorama that all succeed or all fail say as much as one."""
    panoramas = np.random.default_rng(2).random(40) < 0.5
    hits, groups = np.repeat(panoramas, 10), np.repeat(np.arange(40), 10)
    low, high = bootstrap_interval(hits, groups)
    alone_low, alone_high = bootstrap_interval(hits, np.arange(400))
    assert (high - low) / (alone_high - alone_low) == pytest.approx(math.sqrt(10), rel=0.1)


def test_coverage_of_clustered_queries() -> None:
    """Over many worlds the 95 % interval holds the true recall about 95 times in 100."""
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        ease = rng.beta(2, 2, 60)  # the true mean is one half
        hits = rng.random((60, 4)) < ease[:, None]
        low, high = bootstrap_interval(hits.ravel(), np.repeat(np.arange(60), 4), draws=400)
        inside += low <= 50 <= high
    assert 0.89 <= inside / 200 <= 0.99


def test_columns_are_independent_and_seeded() -> None:
    rng = np.random.default_rng(4)
    hits, groups = rng.random((90, 3)) < 0.4, rng.integers(0, 12, 90)
    low, high = bootstrap_interval(hits, groups)
    for column in range(3):
        assert bootstrap_interval(hits[:, column], groups) == (low[column], high[column])
    assert not np.array_equal(bootstrap_interval(hits, groups, seed=5)[0], low)


def test_names_and_order_of_groups_do_not_matter_to_the_draws() -> None:
    values, groups = np.arange(12.0), np.repeat([5, 900, 7, 8], 3)
    once = resampled_means(values, groups, 50)
    assert np.array_equal(once, resampled_means(values, groups * 10, 50))
    assert once.min() >= 0 and once.max() <= 11 and once.std() > 0


def test_blocks_of_draws_are_draws_like_any(monkeypatch: pytest.MonkeyPatch) -> None:
    values, groups = np.random.default_rng(5).random(60), np.arange(60) // 2
    whole = resampled_means(values, groups)
    monkeypatch.setattr(bootstrap, "BLOCK_NUMBERS", 900)
    parts = resampled_means(values, groups)
    assert len(np.unique(parts)) > 1900  # no block repeats another
    assert parts.mean() == pytest.approx(whole.mean(), abs=0.005)
    assert parts.std() == pytest.approx(whole.std(), rel=0.1)


def test_paired_difference_sees_what_two_intervals_hide() -> None:
    rng = np.random.default_rng(6)
    groups = np.repeat(np.arange(50), 4)
    before = rng.random(200) < np.repeat(rng.random(50), 4)
    after = before | (rng.random(200) < 0.08)
    (low_a, high_a), (low_b, high_b) = (bootstrap_interval(h, groups) for h in (after, before))
    change = paired_difference(after, before, groups)
    assert low_a < high_b and low_b < high_a  # the two intervals overlap
    assert change.clear and change.low > 0
    assert change.mean == pytest.approx(100 * (after.mean() - before.mean()))


def test_paired_difference_matches_its_standard_error() -> None:
    """With every query on its own: mean difference +- 1.96 times its standard error."""
    rng = np.random.default_rng(7)
    a, b = rng.random(500) < 0.6, rng.random(500) < 0.5
    change = paired_difference(a, b, np.arange(500))
    values = a.astype(float) - b
    half = 196 * values.std() / math.sqrt(500)
    assert change.low == pytest.approx(change.mean - half, abs=0.8)
    assert change.high == pytest.approx(change.mean + half, abs=0.8)


def test_a_model_against_itself_is_exactly_zero() -> None:
    hits = np.random.default_rng(8).random(40) < 0.5
    assert paired_difference(hits, hits, np.arange(40) // 2) == Difference(0, 0, 0)
    assert not Difference(0, 0, 0).clear


def test_one_group_says_nothing() -> None:
    hits = np.array([True, False, True])
    assert bootstrap_interval(hits, np.zeros(3, int)) == (0, 100)
    change = paired_difference(hits, ~hits, np.zeros(3, int))
    assert (change.low, change.high) == (-100, 100) and not change.clear


def test_refusals() -> None:
    with pytest.raises(LofiError, match="at least one query"):
        bootstrap_interval(np.zeros(0, bool), np.zeros(0, int))
    with pytest.raises(LofiError, match="one group a query"):
        bootstrap_interval(np.zeros(3, bool), np.zeros(2, int))
    with pytest.raises(LofiError, match="same queries"):
        paired_difference(np.zeros(3, bool), np.zeros(2, bool), np.zeros(3, int))
    with pytest.raises(LofiError, match="low <= high"):
        Difference(0, 1, -1)
