"""The link to a service as a client feels it: round trip, seconds a byte up and down, and how far they wander."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

GAIN = 0.25
"""Weight of the newest exchange in what is smoothed: what was true four exchanges ago counts a third."""
WINDOW, STALLED = 8, 0.25
"""Exchanges that the rate is taken from, and the share of them, the slowest, that are left out: a lost packet that
is sent again says nothing of the rate."""
FASTEST = 1e-9
"""Seconds a byte below which nothing is told apart: 8 Gbit/s."""


@dataclass(frozen=True)
class Exchange:
    """A query and its answer.

    Attributes:
        up_bytes, down_bytes: of what was sent and of the answer.
        seconds: from the first byte sent to the last one received.
        work_s: of these, what the server says it spent.
    """

    up_bytes: int
    down_bytes: int
    seconds: float
    work_s: float


@dataclass(frozen=True)
class Link:
    """What exchanges so far say of the next one. Never changes; `after` gives the next state.

    An exchange takes a round trip, its bytes each way, the server's work, and by how much exchanges differed from
    that (their smoothed deviation, as in RFC 6298). The rate upwards is that of the last exchanges together, without
    those that stalled: bytes by seconds, so that small exchanges, which say little of it, weigh little; or the median
    of the last three where that is lower.

    Attributes:
        rtt_s: seconds of a round trip without a query.
        down_s: seconds a byte of an answer.
        carried: bytes of the last queries, and the seconds that each took on the way.
        first_byte_s: seconds a byte upwards before there was any query.
        work_s: smoothed seconds that the server spends.
        spread_s: smoothed distance of exchanges from what was expected.
    """

    rtt_s: float
    down_s: float
    first_byte_s: float
    carried: tuple[tuple[int, float], ...] = ()
    work_s: float = 0.0
    spread_s: float = 0.0

    @classmethod
    def begin(cls, pings: Sequence[float], down_bytes: int, seconds: float) -> Link:
        """Before the first query: seconds of empty exchanges, and of one whose answer had `down_bytes`.

        Until a query says otherwise the way up is taken to be as fast as the way down.
        """
        rtt = statistics.median(pings)
        down = max((seconds - rtt) / max(down_bytes, 1), FASTEST)
        return cls(rtt, down, down)

    @property
    def byte_s(self) -> float:
        """Seconds a byte upwards."""
        if not self.carried:
            return self.first_byte_s
        kept = sorted(self.carried, key=_byte_s)[: math.ceil(len(self.carried) * (1 - STALLED))]
        usual = sum(seconds for _, seconds in kept) / sum(n for n, _ in kept)
        lately = statistics.median(map(_byte_s, self.carried[-3:]))  # a thinner link is noticed by the second query
        return max(usual, lately, FASTEST)

    @property
    def bits_per_s(self) -> float:
        """The rate upwards."""
        return 8 / self.byte_s

    def seconds(self, up_bytes: float, down_bytes: float) -> float:
        """What an exchange will take, with what most of them wander."""
        return self._fixed(down_bytes) + up_bytes * self.byte_s

    def most_bytes(self, seconds: float, down_bytes: float) -> float:
        """How many bytes may be sent so that the answer is there within `seconds`; 0 where none may."""
        return max(0.0, (seconds - self._fixed(down_bytes)) / self.byte_s)

    def _fixed(self, down_bytes: float) -> float:
        return self.rtt_s + down_bytes * self.down_s + self.work_s + self.spread_s

    def after(self, one: Exchange) -> Link:
        """What is known after an exchange."""
        travelled = max(one.seconds - one.work_s, 0.0)
        rtt = min(self.rtt_s, travelled)
        carried = max(travelled - rtt - one.down_bytes * self.down_s, 0.0)
        expected = self.rtt_s + one.down_bytes * self.down_s + one.up_bytes * self.byte_s
        return Link(
            rtt_s=rtt,
            down_s=self.down_s,
            first_byte_s=self.first_byte_s,
            carried=(*self.carried, (max(one.up_bytes, 1), carried))[-WINDOW:],
            work_s=_smoothed(self.work_s, one.work_s) if self.carried else one.work_s,
            spread_s=_smoothed(self.spread_s, abs(travelled - expected)),
        )


def _byte_s(carried: tuple[int, float]) -> float:
    return carried[1] / carried[0]


def _smoothed(before: float, now: float) -> float:
    return before + GAIN * (now - before)
