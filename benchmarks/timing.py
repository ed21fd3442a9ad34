"""A line of the table, and how its seconds and mebibytes are taken."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any, NamedTuple

import numpy as np

from benchmarks.machine import memory_mib

REPEATS = 5
fraction = 1.0
"""Of all sizes, `--fraction`: to see whether everything runs."""


class Row(NamedTuple):
    """What was measured, against what, and the seconds (or `unit`) of both.

    bound: the least that theory allows, in the same unit, and `theory` says by what.
    """

    what: str
    baseline: str
    before: float
    ours: float
    unit: str = "s"
    bound: float | None = None
    theory: str = ""


def scaled(number: int, least: int = 1) -> int:
    """`number`, or of a trial run its fraction."""
    return max(least, int(number * fraction))


def seconds(job: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median seconds of `job`, after one run that warms up."""
    job()
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        job()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def once(job: Callable[[], object]) -> float:
    """Seconds of a long job, which warms itself up."""
    started = time.perf_counter()
    job()
    return time.perf_counter() - started


def product_flops(size: int = 2048) -> float:
    """Floating point operations a second of a matrix product: the bound of convolutions and of exact search."""
    a, b = (np.random.default_rng(i).standard_normal((size, size), np.float32) for i in range(2))
    return 2 * size**3 / seconds(lambda: a @ b)


class Used(NamedTuple):
    """What a job took in a process of its own: seconds, and MiB of anonymous memory above what it started with.

    At least 0.1 MiB: a ratio to less says nothing.
    """

    seconds: float
    mib: float


def in_own_process(function: str, *arguments: Any) -> Used:
    """Run `benchmarks.MODULE:FUNCTION`, which prepares and returns the job to measure; arguments are JSON."""
    command = [sys.executable, "-m", "benchmarks.timing", function, json.dumps(arguments)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{function}{arguments} failed:\n{done.stderr}")
    return Used(*json.loads(done.stdout.splitlines()[-1]))


def measured(job: Callable[[], object]) -> Used:
    """What a job takes in this process."""
    before, peak, stop = memory_mib("RssAnon"), [0.0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.002):
            peak[0] = max(peak[0], memory_mib("RssAnon"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    took = once(job)
    stop.set()
    watcher.join()
    return Used(took, max(0.1, peak[0] - before, memory_mib("RssAnon") - before))


if __name__ == "__main__":
    module, _, name = sys.argv[1].partition(":")
    print(json.dumps(measured(getattr(import_module(module), name)(*json.loads(sys.argv[2])))))
