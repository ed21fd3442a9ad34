"""The honesty table, counted again by loops."""

from __future__ import annotations

import json
from collections.abc import Callable

import numpy as np
import pytest

from lofivpr.maps.abstain import clopper_pearson_upper
from lofivpr.maps.asked import Asked
from lofivpr.maps.calibrate import Terms, calibration_of
from lofivpr.maps.honesty import honesty_of

CHANNELS = ("raw", "240p/jpeg:10", "240p/jpeg:2")
Ask = Callable[..., Asked]


def test_is_what_is_counted(ask_street: Ask) -> None:
    calibration = calibration_of([ask_street(q) for q in CHANNELS], Terms(candidates=12), "a", "b")
    here = [ask_street(q, n=200, seed=3) for q in CHANNELS]
    away = [ask_street(q, n=100, seed=4, lost=True) for q in CHANNELS]
    table = honesty_of(calibration, here, away)
    limit = calibration.thresholds[0].probability
    assert limit is not None and [row.quality for row in table.rows] == [*CHANNELS, "mix"]
    total_answered = total_wrong = 0
    for row, one, other in zip(table.rows, here, away, strict=False):
        said = calibration.probability(one.similarity, one.points, one.found, one.seen)
        answered = [i for i, p in enumerate(said) if p >= limit]
        wrong = [i for i in answered if not one.right[i]]
        total_answered, total_wrong = total_answered + len(answered), total_wrong + len(wrong)
        assert row.answered == pytest.approx(100 * len(answered) / 200)
        if answered:
            panoramas = len({int(one.groups[i]) for i in answered})
            share = len(wrong) / len(answered)
            assert row.wrong == pytest.approx(100 * share)
            upper = clopper_pearson_upper(int(np.ceil(share * panoramas)), panoramas, 0.95)
            assert row.wrong_upper == pytest.approx(100 * upper) and row.wrong_upper > row.wrong
        strangers = calibration.probability(other.similarity, other.points, other.found, other.seen)
        assert row.answered_elsewhere == pytest.approx(100 * sum(p >= limit for p in strangers) / 100)
    assert table.rows[-1].answered == pytest.approx(100 * total_answered / 600)
    assert table.rows[-1].wrong == pytest.approx(100 * total_wrong / total_answered)
    assert sum(table.reliability.count) == 600


def test_says_nothing_of_what_was_not_asked(ask_street: Ask) -> None:
    calibration = calibration_of([ask_street(q) for q in CHANNELS], Terms(candidates=12), "a", "b")
    table = honesty_of(calibration, [ask_street("raw", n=100, seed=3)])
    assert {row.answered_elsewhere for row in table.rows} == {None}
    assert "| `raw` | 100 |" in table.markdown() and table.markdown().count("\n") == 4
    json.dumps(table.to_dict(), allow_nan=False)
