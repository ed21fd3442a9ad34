"""Which frames of a faster clip a lower rate keeps."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

ROUNDED_S = 1e-3  # Matroska's times are whole milliseconds


def first_at_ticks(times: Iterable[float], rate: float, slack: float = 0.0) -> Iterator[bool]:
    """Whether each frame is the first one at or after a tick of 1/rate seconds; a pause longer than that has none.

    Args:
        times: seconds, rising from 0.
        rate: ticks per second.
        slack: seconds by which times may be rounded; a frame so little before a tick counts as at it.
    """
    last = -1
    for time in times:
        tick = math.floor((time + slack) * rate + 1e-9)  # 30 -> 10 fps is every third frame in spite of rounding
        yield tick > last
        last = tick
