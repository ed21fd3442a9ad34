from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.media.ticks import ROUNDED_S, first_at_ticks


def slow(times: list[Fraction], rate: Fraction) -> list[bool]:
    """The definition: of each tick the first frame at or after it, in exact numbers."""
    ticks = [number / rate for number in range(int(max(times) * rate) + 2)]
    firsts = {next(i for i, time in enumerate(times) if time >= tick) for tick in ticks if tick <= max(times)}
    return [i in firsts for i in range(len(times))]


@given(st.lists(st.integers(1, 900), min_size=1, max_size=60), st.integers(1, 40), st.integers(1, 3))
def test_it_is_the_definition(steps: list[int], numerator: int, denominator: int) -> None:
    times = [Fraction(sum(steps[:i]), 1000) for i in range(len(steps) + 1)]
    rate = Fraction(numerator, denominator)
    assert list(first_at_ticks([float(time) for time in times], float(rate))) == slow(times, rate)


@pytest.mark.parametrize("fps", [Fraction(30), Fraction(30000, 1001), Fraction(24), Fraction(60)])
def test_whole_milliseconds_lose_no_frame(fps: Fraction) -> None:
    times = [round(1000 * n / fps) / 1000 for n in range(2000)]
    assert all(first_at_ticks(times, float(fps), ROUNDED_S))
    assert not all(first_at_ticks(times, float(fps))), "without the slack some are lost"


@given(st.lists(st.floats(0.001, 0.7), min_size=1, max_size=60), st.integers(1, 5), st.integers(1, 8))
def test_a_rate_keeps_all_that_its_divisor_keeps(steps: list[float], rate: int, times_faster: int) -> None:
    """So that pictures taken every second are among the frames of a stream of 10 a second."""
    times = [sum(steps[:i]) for i in range(len(steps) + 1)]
    few, many = first_at_ticks(times, rate), first_at_ticks(times, rate * times_faster)
    assert all(more or not less for less, more in zip(few, many, strict=True))
