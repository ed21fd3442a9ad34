"""A line of the table, and how its seconds are taken."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

REPEATS = 5


class Row(NamedTuple):
    """What was timed, against what, and the seconds of both."""

    what: str
    baseline: str
    before: float
    ours: float


def seconds(job: Callable[[], object]) -> float:
    """Median seconds of `job`, after one run that warms up."""
    job()
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return statistics.median(times)
