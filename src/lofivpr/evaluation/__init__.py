"""Recall with intervals, paired differences, recovered shares, rate-recall curves, and the report that shows them."""

from __future__ import annotations

from lofivpr.evaluation.bootstrap import Difference, bootstrap_interval, paired_difference
from lofivpr.evaluation.evaluate import evaluate
from lofivpr.evaluation.measured import write_measured
from lofivpr.evaluation.rate import BdRate, RateCurve, RateError, bd_rate
from lofivpr.evaluation.recall import NS, first_correct, hits_matrix, recall_at
from lofivpr.evaluation.recovery import Shares, recovered_shares
from lofivpr.evaluation.results import Results
from lofivpr.evaluation.router import bits_per_pixel, choose_threshold, routed_hits
from lofivpr.evaluation.rows import DescriptorRow, DifferenceRow, RateBound, RateRow, Recovered, Row

__all__ = [
    "NS",
    "BdRate",
    "DescriptorRow",
    "Difference",
    "DifferenceRow",
    "RateBound",
    "RateCurve",
    "RateError",
    "RateRow",
    "Recovered",
    "Results",
    "Row",
    "Shares",
    "bd_rate",
    "bits_per_pixel",
    "bootstrap_interval",
    "choose_threshold",
    "evaluate",
    "first_correct",
    "hits_matrix",
    "paired_difference",
    "recall_at",
    "recovered_shares",
    "routed_hits",
    "write_measured",
]
