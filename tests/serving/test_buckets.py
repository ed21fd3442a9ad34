from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.serving.buckets import MOST_BUCKETS, Bucket, Buckets


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_what_is_not_there_is_not_taken() -> None:
    clock = Clock()
    bucket = Bucket(rate=2, size=6, clock=clock)
    assert bucket.try_take(5) == 0 and bucket.level == 1
    assert bucket.try_take(5) == pytest.approx(2.0)
    assert bucket.level == 1
    clock.now += 2
    assert bucket.try_take(5) == 0 and bucket.level == pytest.approx(0)
    clock.now += 1000
    assert bucket.level == 6


def test_a_debt_is_waited_out() -> None:
    clock = Clock()
    bucket = Bucket(rate=2, size=6, clock=clock)
    assert bucket.take(6) == 0 and bucket.take(3) == pytest.approx(1.5)
    clock.now += 1.5
    assert bucket.level == pytest.approx(0)


@given(st.lists(st.tuples(st.floats(0, 3), st.floats(0, 10)), max_size=40))
def test_never_more_than_the_rate_allows(steps: list[tuple[float, float]]) -> None:
    clock, taken = Clock(), 0.0
    bucket = Bucket(rate=2, size=6, clock=clock)
    for pause, amount in steps:
        clock.now += pause
        taken += amount if bucket.try_take(amount) == 0 else 0
        assert taken <= 6 + 2 * (clock.now - 100) + 1e-6


def test_clients_are_apart_and_bounded() -> None:
    buckets = Buckets(1, 1)
    assert buckets["a"].try_take(1) == 0 and buckets["b"].try_take(1) == 0 and buckets["a"].try_take(1) > 0
    for number in range(MOST_BUCKETS + 10):
        buckets[str(number)].try_take(1)
        assert buckets["a"].try_take(1) > 0, "one that keeps asking is not forgotten"
    assert len(buckets) == MOST_BUCKETS
