"""Recall of many queries."""

from __future__ import annotations

import numpy as np

from benchmarks.baselines import recall_by_loop
from benchmarks.timing import Row, seconds
from lofivpr.evaluation import recall_at


def rows() -> list[Row]:
    """2,000 queries, 25 neighbours, 50 positives each."""
    rng = np.random.default_rng(0)
    indices = rng.integers(0, 20_000, (2000, 25))
    positives = [np.unique(rng.integers(0, 20_000, 50)) for _ in range(2000)]
    loop, ours = seconds(lambda: recall_by_loop(indices, positives)), seconds(lambda: recall_at(indices, positives))
    return [Row("recall@{1..25}", "a Python loop", loop, ours)]
