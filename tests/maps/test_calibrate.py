"""Calibration on a made-up street: parts that do not see each other, honest probabilities, a promise that is kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.maps.asked import Asked
from lofivpr.maps.calibrate import Terms, calibration_of, part_groups
from lofivpr.maps.calibration import Calibration
from lofivpr.maps.logistic import reliability

CHANNELS = ("raw", "240p/jpeg:10", "240p/jpeg:2")
TERMS = Terms(candidates=12)
Ask = Callable[..., Asked]


@pytest.fixture(scope="module")
def asked(ask_street: Ask) -> list[Asked]:
    return [ask_street(quality) for quality in CHANNELS]


@pytest.fixture(scope="module")
def calibration(asked: list[Asked]) -> Calibration:
    return calibration_of(asked, TERMS, "student", "teacher")


def sure(calibration: Calibration, one: Asked) -> np.ndarray:
    return calibration.probability(one.similarity, one.points, one.found, one.seen)


def test_probabilities_are_honest_on_new_queries_at_every_quality(calibration: Calibration, ask_street: Ask) -> None:
    for quality in CHANNELS:
        new = ask_street(quality, n=2000, seed=99)
        found = reliability(sure(calibration, new), new.right)
        assert found.ece < 0.06, quality
        base = new.right.mean() * (1 - new.right.mean())
        assert found.brier < base  # better than saying the same of all


def test_the_promise_holds_on_new_queries_and_is_not_silence(calibration: Calibration, ask_street: Ask) -> None:
    new = [ask_street(quality, n=2000, seed=98) for quality in CHANNELS]
    said = np.concatenate([sure(calibration, one) for one in new])
    right = np.concatenate([one.right for one in new])
    answered = calibration.thresholds[0].answers(said)
    assert np.mean(~right) > 0.15 and answered.mean() > 0.3
    assert np.mean(~right[answered]) < 0.05


def test_the_threshold_and_the_curve_see_only_what_was_not_fitted_on(asked: list[Asked]) -> None:
    """Spoiling the answers of the fitted part leaves what is measured on the rest as it was."""
    fitted_on = part_groups(asked[0].groups, TERMS.fit_share, TERMS.seed)
    spoilt = [replace(one, first_right=one.first_right ^ fitted_on) for one in asked]
    plain = calibration_of(asked, TERMS, "a", "b")
    assert calibration_of(spoilt, TERMS, "a", "b") == plain
    spoilt = [replace(one, right=one.right & fitted_on) for one in asked]  # nothing right where it is tested
    found = calibration_of(spoilt, TERMS, "a", "b")
    assert found.logistic == plain.logistic
    assert found.thresholds[0].probability is None and {point.right for point in found.curve} == {0}


def test_the_curve_is_counted(asked: list[Asked], calibration: Calibration) -> None:
    held = ~part_groups(asked[0].groups, TERMS.fit_share, TERMS.seed)
    for one, point in zip(asked, calibration.curve, strict=True):
        said = sure(calibration, one)[held]
        limit = calibration.thresholds[0].probability
        assert limit is not None
        answered = [p >= limit for p in said]
        wrong = [a and not r for a, r in zip(answered, one.right[held], strict=True)]
        assert point.quality == one.quality and point.queries == held.sum()
        assert point.recall == pytest.approx(100 * sum(one.first_right[held]) / held.sum())
        assert point.probability == pytest.approx(sum(said) / held.sum())
        assert point.answered == pytest.approx(100 * sum(answered) / held.sum())
        assert point.wrong == (pytest.approx(100 * sum(wrong) / sum(answered)) if any(answered) else None)
        assert point.n_bytes == (None if one.quality == "raw" else one.n_bytes[0])
    assert [t.quality for t in calibration.thresholds] == ["mix", *CHANNELS]
    assert calibration.thresholds[0].groups == len(np.unique(asked[0].groups[held]))


def test_queries_from_off_the_map_are_no_part_of_the_curve_but_of_the_fit(asked: list[Asked], ask_street: Ask) -> None:
    away = np.isin(asked[0].groups, np.arange(0, 200, 5))
    mixed = []
    for one in asked:
        lost = ask_street(one.quality, lost=True)
        pick = {
            name: np.where(
                away.reshape(-1, *[1] * (getattr(one, name).ndim - 1)), getattr(lost, name), getattr(one, name)
            )
            for name in ("similarity", "points", "right", "first_right", "on_map")
        }
        found = replace(
            one.found,
            points=np.where(away[:, None], lost.found.points, one.found.points),
            agree=np.where(away[:, None], lost.found.agree, one.found.agree),
            spread_m=np.where(away, lost.found.spread_m, one.found.spread_m),
        )
        mixed.append(replace(one, found=found, **pick))
    wary = calibration_of(mixed, TERMS, "a", "b")
    held = ~part_groups(asked[0].groups, TERMS.fit_share, TERMS.seed)
    assert wary.curve[0].queries == (held & ~away).sum()
    plain = calibration_of(asked, TERMS, "a", "b")
    assert wary.curve[0].right > 0.9 * plain.curve[0].right
    stranger = ask_street("240p/jpeg:10", n=500, seed=5, lost=True)
    assert sure(wary, stranger).mean() < sure(plain, stranger).mean()


def test_each_quality_keeps_its_own_promise_as_often_as_it_says(ask_street: Ask) -> None:
    terms = replace(TERMS, guarantee="each", wrong_at_most=0.15)
    new = [ask_street(quality, n=2000, seed=97) for quality in CHANNELS]
    broken, answered, trials = 0, [], 16
    for seed in range(trials):
        each = calibration_of([ask_street(quality, seed=seed) for quality in CHANNELS], terms, "a", "b")
        for one in new[:2]:  # at the third nothing can be promised
            limit = each.threshold(one.seen[0])
            assert limit.quality == one.quality
            some = limit.answers(sure(each, one))
            answered.append(some.mean())
            broken += bool(some.any() and np.mean(~one.right[some]) > 0.15)
    assert broken <= 2 * trials * 0.1 + 3 * np.sqrt(2 * trials * 0.09)
    assert np.median(answered) > 0.3


@pytest.mark.parametrize(("groups", "share", "expected"), [(4, 0.01, 2), (4, 0.99, 2), (9, 1 / 3, 3), (100, 0.5, 50)])
def test_groups_are_parted_whole(groups: int, share: float, expected: int) -> None:
    labels = np.repeat(np.arange(groups), 3)
    chosen = part_groups(labels, share, 0)
    assert len(np.unique(labels[chosen])) == expected
    assert not set(labels[chosen]) & set(labels[~chosen])
    assert part_groups(labels, share, 0).tolist() == chosen.tolist()


def test_too_few_panoramas_are_refused(ask_street: Ask) -> None:
    with pytest.raises(LofiError, match="at least 4 panoramas"):
        calibration_of([ask_street("raw", n=6)], TERMS, "a", "b")


@pytest.mark.parametrize(
    "change", [{"absent": 1.0}, {"fit_share": 0.0}, {"candidates": 1}, {"views": 0}, {"wrong_at_most": 5.0}]
)
def test_terms_check_themselves(change: dict[str, Any]) -> None:
    with pytest.raises(LofiError, match="expected"):
        replace(TERMS, **change)
