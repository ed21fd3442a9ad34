"""Recall with intervals, paired differences, rate-recall curves, and the report that shows them."""

from __future__ import annotations

from lofivpr.evaluation.bootstrap import Difference, bootstrap_interval, paired_difference
from lofivpr.evaluation.evaluate import evaluate
from lofivpr.evaluation.rate import BdRate, RateCurve, RateError, bd_rate
from lofivpr.evaluation.recall import NS, first_correct, hits_matrix, recall_at
from lofivpr.evaluation.results import Results
from lofivpr.evaluation.rows import DifferenceRow, RateRow, Row

__all__ = [
    "NS",
    "BdRate",
    "Difference",
    "DifferenceRow",
    "RateCurve",
    "RateError",
    "RateRow",
    "Results",
    "Row",
    "bd_rate",
    "bootstrap_interval",
    "evaluate",
    "first_correct",
    "hits_matrix",
    "paired_difference",
    "recall_at",
]
