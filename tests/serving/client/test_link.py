from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.serving.client.link import Exchange, Link

SECONDS = st.floats(0, 20, allow_nan=False)
EXCHANGES = st.builds(
    Exchange, st.integers(1, 100_000), st.integers(100, 5000), st.floats(0.001, 20), st.floats(0, 0.5)
)
LINKS = st.lists(EXCHANGES, max_size=12).map(lambda some: _after(Link.begin([0.05, 0.04, 0.3], 4000, 0.5), some))


def _after(link: Link, exchanges: list[Exchange]) -> Link:
    for one in exchanges:
        link = link.after(one)
    return link


def test_before_any_query_the_way_up_is_the_way_down() -> None:
    link = Link.begin([0.1, 0.5, 0.2], 4000, 0.6)
    assert link.rtt_s == 0.2 and link.bits_per_s == pytest.approx(4000 * 8 / 0.4)


@pytest.mark.parametrize("kbps", [16, 64, 256])
def test_a_steady_link_is_found_out(kbps: int) -> None:
    """Whatever the first guess was; the answers are as thick as the queries."""
    byte_s, link = 8 / (1000 * kbps), Link.begin([0.1], 4000, 0.1 + 4000 * 8 / (1000 * kbps))
    for n_bytes in [400, 3000, 900] * 10:
        link = link.after(Exchange(n_bytes, 700, 0.1 + (n_bytes + 700) * byte_s + 0.03, 0.03))
    assert link.bits_per_s == pytest.approx(1000 * kbps, rel=0.02)
    assert link.seconds(2000, 700) == pytest.approx(0.13 + 2700 * byte_s, rel=0.05)


def test_packets_that_are_sent_again_do_not_make_the_link_thin() -> None:
    """One exchange in five stalls for a second; the rate stays, and the margin grows."""
    link = calm = Link.begin([0.1], 4000, 0.6)
    for number in range(40):
        took = 0.1 + (1000 + 700) / 8000
        calm = calm.after(Exchange(1000, 700, took, 0.0))
        link = link.after(Exchange(1000, 700, took + (number % 5 == 0), 0.0))
    assert link.bits_per_s == pytest.approx(calm.bits_per_s, rel=0.01) and link.spread_s > calm.spread_s + 0.05


@pytest.mark.parametrize(("before", "after"), [(256, 16), (16, 256)])
def test_a_change_of_the_link_is_followed_within_ten_exchanges(before: int, after: int) -> None:
    link = Link.begin([0.05], 4000, 0.05 + 32 / before)
    for kbps in [before] * 10 + [after] * 10:
        link = link.after(Exchange(1000, 0, 0.05 + 8 / kbps, 0.0))
    assert link.bits_per_s == pytest.approx(1000 * after, rel=0.05)


def test_a_thinner_link_is_noticed_by_the_second_query() -> None:
    link = Link.begin([0.05], 4000, 0.05 + 32 / 256)
    for kbps in [256] * 8 + [16] * 2:
        link = link.after(Exchange(1000, 0, 0.05 + 8 / kbps, 0.0))
    assert link.bits_per_s == pytest.approx(16_000, rel=0.01)


@settings(deadline=None)
@given(EXCHANGES, LINKS)
def test_an_exchange_against_a_slow_reference(one: Exchange, link: Link) -> None:
    after = link.after(one)
    travelled = max(0.0, one.seconds - one.work_s)
    assert after.rtt_s == min(link.rtt_s, travelled)
    carried = max(0.0, travelled - after.rtt_s - one.down_bytes * link.down_s)
    window = [*link.carried, (one.up_bytes, carried)][-8:]
    assert list(after.carried) == window
    drop = len(window) // 4
    slowest = sorted(range(len(window)), key=lambda at: window[at][1] / window[at][0])
    kept = [window[at] for at in slowest[: len(window) - drop]]
    last = sorted(s / n for n, s in window[-3:])
    lately = last[1] if len(last) == 3 else sum(last) / len(last)
    assert after.byte_s == pytest.approx(max(sum(s for _, s in kept) / sum(n for n, _ in kept), lately, 1e-9))
    error = abs(travelled - (link.rtt_s + one.down_bytes * link.down_s + one.up_bytes * link.byte_s))
    assert after.spread_s == pytest.approx(0.75 * link.spread_s + 0.25 * error)


@settings(deadline=None)
@given(LINKS, st.floats(0, 1e6), st.floats(0, 1e6), SECONDS, SECONDS)
def test_more_bytes_take_longer_and_more_time_carries_more(
    link: Link, few: float, many: float, short: float, long: float
) -> None:
    few, many, short, long = *sorted((few, many)), *sorted((short, long))
    assert link.seconds(few, 700) <= link.seconds(many, 700)
    assert link.most_bytes(short, 700) <= link.most_bytes(long, 700)


@settings(deadline=None)
@given(LINKS, st.floats(0.001, 20))
def test_what_may_be_sent_is_there_in_time(link: Link, seconds: float) -> None:
    most = link.most_bytes(seconds, 700)
    assert most >= 0 and math.isfinite(most)
    assert most == 0 or link.seconds(most, 700) == pytest.approx(seconds)


@settings(deadline=None)
@given(LINKS, st.lists(EXCHANGES, min_size=1, max_size=8), st.floats(0, 2), st.floats(0.1, 20))
def test_a_slower_way_up_never_carries_more(link: Link, some: list[Exchange], late: float, seconds: float) -> None:
    """The same bytes in more time; the rest of the link being the same."""
    after = _after(link, some)
    slower = replace(after, carried=tuple((n, s + late) for n, s in after.carried))
    assert slower.bits_per_s <= after.bits_per_s * (1 + 1e-9)
    assert slower.most_bytes(seconds, 700) <= after.most_bytes(seconds, 700) * (1 + 1e-9)
