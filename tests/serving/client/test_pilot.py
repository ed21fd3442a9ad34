from __future__ import annotations

import sys
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.quality import Quality
from lofivpr.serving.client.choose import Step
from lofivpr.serving.client.goal import Goal
from lofivpr.serving.client.link import Exchange, Link
from lofivpr.serving.client.pilot import BudgetError, Pilot, Spent

SIZE = (320, 240)
STEPS = [
    Step(Quality.parse("120p/h264:qp40"), 500.0, 0.6),
    Step(Quality.parse("240p/jpeg:10"), 2000.0, 0.8),
    Step(Quality.parse("240p/jpeg:40"), 6500.0, 0.95),
]


def pilot(goal: Goal, kbps: float = 64, fixed: Step | None = None) -> Pilot:
    made = Pilot(goal, fixed)
    made.begin(STEPS, Link.begin([0.1], 4000, 0.1 + 32 / kbps))
    return made


@pytest.mark.parametrize(
    ("goal", "kbps", "expected"),
    [
        (Goal(), 16, 2),  # no limit: the wanted probability, however long it takes
        (Goal(0.7), 16, 1),
        (Goal(latency_s=1.0), 256, 2),
        (Goal(latency_s=1.0), 64, 1),
        (Goal(latency_s=1.0), 16, 0),
        (Goal(latency_s=0.05), 256, 0),  # cannot be held: the fewest bytes
        (Goal(budget_bytes=6499), 256, 1),
        (Goal(budget_bytes=6500), 256, 2),
        (Goal(budget_bytes=6500, latency_s=1.0), 16, 0),
    ],
)
def test_what_link_and_limits_allow(goal: Goal, kbps: float, expected: int) -> None:
    assert pilot(goal, kbps).first(SIZE) == STEPS[expected]


def test_a_budget_that_nothing_fits_in() -> None:
    with pytest.raises(BudgetError, match="400 bytes where the cheapest quality takes about 500"):
        pilot(Goal(budget_bytes=400)).first(SIZE)


@settings(deadline=None)
@given(st.integers(1, 8000), st.lists(st.tuples(st.integers(0, 2), st.integers(50, 20_000)), max_size=10))
def test_never_expected_above_the_budget(budget: int, seen: list[tuple[int, int]]) -> None:
    one = pilot(Goal(budget_bytes=budget))
    for which, n_bytes in seen:
        one.learn_size(STEPS[which], n_bytes)
    try:
        assert one.first(SIZE).n_bytes <= budget
    except BudgetError:
        assert min(step.n_bytes for step in one.steps(SIZE)) > budget


def test_the_bytes_of_its_own_pictures_are_learnt_by_codec() -> None:
    one = pilot(Goal())
    one.learn_size(STEPS[1], 4000)
    one.learn_size(STEPS[2], 13_000)
    assert [step.n_bytes for step in one.steps(SIZE)] == [500, 4000, 13_000]


def test_frames_of_video_are_priced_apart_from_stills() -> None:
    one = pilot(Goal())
    assert [step.n_bytes for step in one.steps(SIZE, video=True)] == [250, 2000, 6500], "a guess, before any"
    one.learn_size(STEPS[0], 500, video=True)
    for _ in range(9):
        one.learn_size(STEPS[0], 50, video=True)
    assert one.steps(SIZE, video=True)[0].n_bytes == pytest.approx(95)
    assert one.steps(SIZE)[0].n_bytes == 500


def test_limits_are_those_of_both_questions_together() -> None:
    one = pilot(Goal(budget_bytes=2600))
    assert one.better(SIZE, STEPS[0], Spent(500)) == STEPS[1]
    assert one.better(SIZE, STEPS[0], Spent(601)) is None
    late = pilot(Goal(latency_s=1.0))
    assert late.better(SIZE, STEPS[0], Spent(500, 0.2)) == STEPS[1]
    assert late.better(SIZE, STEPS[0], Spent(500, 0.9)) is None


def test_down_the_ladder_to_its_end() -> None:
    one = pilot(Goal())
    assert one.cheaper(SIZE, STEPS[2]) == STEPS[1] and one.cheaper(SIZE, STEPS[0]) is None


def test_the_link_is_learnt() -> None:
    one = pilot(Goal(latency_s=1.0), kbps=256)
    assert one.first(SIZE) == STEPS[2]
    for _ in range(10):
        one.learn_exchange(Exchange(2000, 800, 0.1 + 8 * 2800 / 16_000, 0.0))
    assert one.first(SIZE) == STEPS[0]


def test_a_fixed_quality_stays() -> None:
    fixed = Step(Quality.parse("240p/jpeg:40"), 1.0, None)
    one = pilot(Goal(), 1, fixed)
    assert one.is_fixed and one.first(SIZE).quality == fixed.quality and one.better(SIZE, fixed, Spent()) is None


def test_what_a_still_and_a_stream_cannot_have() -> None:
    one = Pilot(Goal())
    steps = [Step(Quality.parse(text), 1.0, 0.5) for text in ("h264:qp40,paper", "h264:64kbps", "jpeg:5")]
    one.begin(steps, Link.begin([0.1], 4000, 0.6))
    assert [str(step.quality) for step in one.steps(SIZE)] == ["h264:qp40,paper", "jpeg:5"]
    assert [str(step.quality) for step in one.steps(SIZE, video=True)] == ["h264:64kbps", "jpeg:5"]
    one.begin(steps[1:2], Link.begin([0.1], 4000, 0.6))
    with pytest.raises(BudgetError, match="found none"):
        one.first(SIZE)


def test_streams_of_one_client_learn_at_the_same_time() -> None:
    """What one thread reads, another changes."""
    before = sys.getswitchinterval()
    one, done = pilot(Goal(latency_s=1.0)), threading.Event()

    def learn() -> None:
        while not done.is_set():
            one.learn_size(STEPS[0], 500, video=True)

    other = threading.Thread(target=learn)
    sys.setswitchinterval(1e-6)
    other.start()
    try:
        assert all(one.holds(STEPS[0]) for _ in range(500))
    finally:
        done.set()
        other.join()
        sys.setswitchinterval(before)
