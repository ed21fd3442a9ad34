from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.quality import Quality
from lofivpr.serving.client.choose import UNCALIBRATED, Step, better, choose, for_size, steps_of

STEPS = st.lists(
    st.builds(
        Step,
        st.integers(1, 100).map(lambda q: Quality.parse(f"jpeg:{q}")),
        st.floats(1, 1e5),
        st.floats(0, 1),
        st.floats(0.1, 3),
    ),
    min_size=1,
    max_size=12,
)
BYTES = st.one_of(st.floats(0, 2e5), st.just(float("inf")))
SURE = st.floats(0.01, 1)


@settings(deadline=None)
@given(STEPS, SURE, BYTES, BYTES)
def test_the_choice_against_a_slow_reference(steps: list[Step], sure: float, soft: float, hard: float) -> None:
    chosen = choose(steps, sure, soft, hard)
    allowed = [step for step in steps if step.n_bytes <= hard]
    within = [step for step in allowed if step.n_bytes <= soft]
    if not allowed:
        assert chosen is None
    elif not within:
        assert chosen is not None and chosen.n_bytes == min(step.n_bytes for step in allowed)
    else:
        assert chosen in within
        surest = max(step.probability for step in within)  # type: ignore[type-var]
        wanted = sure if surest >= sure else surest - 0.02
        for step in within:
            assert step.probability < wanted or step.n_bytes >= chosen.n_bytes  # type: ignore[operator, union-attr]
        assert chosen.probability >= wanted  # type: ignore[operator, union-attr]


@settings(deadline=None)
@given(STEPS, SURE, BYTES)
def test_never_above_the_budget(steps: list[Step], sure: float, hard: float) -> None:
    chosen = choose(steps, sure, float("inf"), hard)
    assert chosen is None or chosen.n_bytes <= hard


@settings(deadline=None)
@given(STEPS, SURE, BYTES, BYTES)
def test_a_faster_link_never_makes_less_sure(steps: list[Step], sure: float, one: float, other: float) -> None:
    slow, fast = (choose(steps, sure, soft, float("inf")) for soft in sorted((one, other)))
    assert slow is not None and fast is not None
    if any(step.n_bytes <= min(one, other) for step in steps):
        assert slow.probability <= fast.probability  # type: ignore[operator]
        assert slow.n_bytes <= fast.n_bytes


@settings(deadline=None)
@given(STEPS, st.integers(0, 11), BYTES)
def test_a_second_question_is_surer_and_within_the_limit(steps: list[Step], first: int, most: float) -> None:
    assume(first < len(steps))
    again = better(steps, steps[first], most)
    if again is None:
        assert not [s for s in steps if s.probability > steps[first].probability and s.n_bytes <= most]  # type: ignore[operator]
    else:
        assert again.probability > steps[first].probability and again.n_bytes <= most  # type: ignore[operator]


def test_a_second_question_halves_the_doubt() -> None:
    steps = [
        Step(Quality.parse(f"jpeg:{q}"), 100.0 * q, sure) for q, sure in ((5, 0.6), (10, 0.7), (20, 0.8), (40, 0.9))
    ]
    assert better(steps, steps[0], 1e9) == steps[2]
    assert better(steps, steps[0], 1500) == steps[1] and better(steps, steps[3], 1e9) is None


def about(curve: Any, describes: bool = True) -> dict[str, Any]:
    return {
        "model": {"describes": describes},
        "calibration": None if curve is None else {"curve": curve},
        "accepts": {"stream": ["h264", "jpeg", "webp"]},
    }


POINT = {
    **{"codec": "jpeg", "height": 240, "bits_per_pixel": 0.3, "recall": 40.0, "right": 45.0, "answered": 10.0},
    **{"wrong": None, "queries": 80, "quality": "240p/jpeg:5", "n_bytes": 900.0, "probability": 0.5},
}


def test_what_a_service_offers() -> None:
    raw = {**POINT, "quality": "raw", "n_bytes": None}
    other = {**POINT, "quality": "av1:crf40"}
    assert steps_of(about([raw, POINT, other])) == (Step(Quality.parse("240p/jpeg:5"), 900.0, 0.5),)


@pytest.mark.parametrize("curve", [None, []])
def test_without_a_curve_the_most_bytes_that_are_allowed(curve: Any) -> None:
    steps = steps_of(about(curve))
    assert [str(step.quality) for step in steps] == list(UNCALIBRATED)
    assert choose(steps, 0.9, float("inf"), float("inf")) == steps[-1]
    assert choose(steps, 0.9, 2000, float("inf")) == steps[1] and choose(steps, 0.9, 100, 5000) == steps[0]
    assert better(steps, steps[0], 1e9) is None


@pytest.mark.parametrize("curve", [[{"quality": "raw"}], [{**POINT, "quality": "240p/gif:3"}], [{**POINT, "new": 1}]])
def test_a_curve_of_another_version(curve: Any) -> None:
    with pytest.raises(LofiError, match="Update this package"):
        steps_of(about(curve))


def test_a_service_without_a_model() -> None:
    with pytest.raises(LofiError, match="Start it with --model"):
        steps_of(about([POINT], describes=False))


def test_a_picture_is_never_enlarged() -> None:
    steps = [
        Step(Quality.parse(text), 1.0, 0.5) for text in ("480p/jpeg:5", "320x240/jpeg:5", "120p/h264:qp40", "webp:9")
    ]
    small = [str(step.quality) for step in for_size(steps, (300, 240))]
    assert small == ["jpeg:5", "jpeg:5", "120p/h264:qp40", "webp:9"]
    for step in for_size(steps, (300, 240)):
        step.quality.output_size((300, 240))
