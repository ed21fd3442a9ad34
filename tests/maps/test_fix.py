"""Fixes and candidates: what they refuse, and that they survive JSON."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.maps.fix import Candidate, Fix

CANDIDATE = Candidate("a.jpg", 52.1, 4.3, 90.0, 0.8, 7)
FIX = Fix((CANDIDATE,), 52.1, 4.3, 0.9, 25.0, True, None, 3.0)
MAYBE = st.none() | st.just(math.nan)
DEGREES = st.tuples(st.floats(-90, 90), st.floats(-180, 180))
CANDIDATES = st.builds(
    lambda at, *rest: Candidate("r", *at, *rest),
    DEGREES | st.tuples(MAYBE, MAYBE),
    st.floats(0, 359.9) | MAYBE,
    st.floats(-1, 1),
    st.integers(0, 2**40),
)


@given(st.lists(CANDIDATES, max_size=4), DEGREES, st.floats(0, 1) | MAYBE, st.floats(0, 1e6) | MAYBE, st.booleans())
def test_json_gives_the_fix_back_and_never_holds_nan(
    candidates: list[Candidate], at: tuple[float, float], probability: float, spread: float, answered: bool
) -> None:
    fix = Fix(tuple(candidates), *at, probability, 25.0, answered, None if answered else "unsure", spread)
    text = json.dumps(fix.to_dict(), allow_nan=False)
    assert Fix.from_dict(json.loads(text)) == fix


def test_what_a_newer_server_adds_is_left_aside() -> None:
    values = FIX.to_dict() | {"mood": "good", "candidates": [CANDIDATE.to_dict() | {"mood": "fine"}]}
    assert Fix.from_dict(values) == FIX


@pytest.mark.parametrize(
    "change", [{"lat": None}, {"lat": 91.0}, {"probability": 1.5}, {"candidates": [{"ref": "a.jpg"}]}, {"spread_m": -1}]
)
def test_a_damaged_fix_is_refused_in_words(change: dict[str, Any]) -> None:
    with pytest.raises(LofiError, match="expected .* found .* install the same"):
        Fix.from_dict(FIX.to_dict() | change)
    with pytest.raises(LofiError, match="no 'within_m'"):
        Fix.from_dict({name: value for name, value in FIX.to_dict().items() if name != "within_m"})


@pytest.mark.parametrize(
    "change",
    [
        {"answered": False},
        {"reason": "unsure"},
        {"lat": None, "lon": None},
        {"lon": None},
        {"within_m": 0.0},
        {"within_m": math.inf},
        {"probability": -0.1},
        {"spread_m": math.inf},
    ],
)
def test_a_fix_checks_itself(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(FIX, **change)


@pytest.mark.parametrize("change", [{"similarity": math.nan}, {"row": -1}, {"lon": 181.0}, {"lat": None}])
def test_a_candidate_checks_itself(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        replace(CANDIDATE, **change)


def test_abstaining_keeps_the_guess() -> None:
    abstained = FIX.abstained("unsure")
    assert (abstained.answered, abstained.reason) == (False, "unsure")
    assert replace(abstained, answered=True, reason=None) == FIX
    assert FIX.best == CANDIDATE and Fix((), None, None, None, 25.0, False, "empty map", None).best is None
