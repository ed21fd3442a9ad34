"""A router between two models by what the server knows for free: the bits a query spends on each pixel.

A control: where many bits arrive the teacher answers, below that the student. One student for all qualities should
beat it, or be it.
"""

from __future__ import annotations

import numpy as np

from lofivpr.errors import LofiError

TEACHER_ALWAYS = 0.0
STUDENT_ALWAYS = float("inf")


def bits_per_pixel(n_bytes: np.ndarray, pixels: np.ndarray | int) -> np.ndarray:
    """float64, NaN where a query has no bytes (null, or -1 as descriptor stores keep it): a quality without codec.

    Args:
        n_bytes: of each encoded query.
        pixels: width times height of each encoded query, or of all.

    Raises:
        LofiError: a picture without pixels.
    """
    if (np.asarray(pixels) <= 0).any():
        raise LofiError("expected pictures of at least one pixel, found some of none.")
    size = np.asarray(n_bytes, np.float64)
    return np.where(size >= 0, 8.0 * size / pixels, np.nan)


def answered_by_student(rate: np.ndarray, threshold: float) -> np.ndarray:
    """Bool: whether the student answers; the teacher does above the threshold and where the rate is NaN."""
    return np.asarray(rate, np.float64) <= threshold


def routed_hits(teacher: np.ndarray, student: np.ndarray, rate: np.ndarray, threshold: float) -> np.ndarray:
    """Bool, of the shape of `teacher`: the hits of whoever answers each query.

    Args:
        teacher, student: bool, hits of both on the same queries; Q, or Q x qualities.
        rate: bits per pixel, of the same shape, NaN at qualities without codec.
        threshold: bits per pixel.

    Raises:
        LofiError: the shapes differ.
    """
    _check(teacher, student, rate)
    return np.where(answered_by_student(rate, threshold), student, teacher)


def choose_threshold(teacher: np.ndarray, student: np.ndarray, rate: np.ndarray) -> float:
    """The threshold of most hits on validation queries; among equals the least, so that the teacher answers most.

    It lies midway between two rates that occur; 0 sends every query to the teacher, infinity every coded one to
    the student. Choose it on validation hits, never on those that are reported.

    Args:
        teacher, student, rate: as in `routed_hits`, of any shape.

    Raises:
        LofiError: the shapes differ, or there are no queries.
    """
    _check(teacher, student, rate)
    if np.size(rate) == 0:
        raise LofiError("expected validation queries to choose a threshold on, found none.")
    coded = np.isfinite(rate)
    gain = student[coded].astype(np.int64) - teacher[coded].astype(np.int64)
    rates, place = np.unique(np.asarray(rate, np.float64)[coded], return_inverse=True)
    gained = np.zeros(len(rates), np.int64)
    np.add.at(gained, place, gain)
    total = np.concatenate([[0], np.cumsum(gained)])  # of sending the i lowest rates to the student
    between = (rates[:-1] + rates[1:]) / 2
    thresholds = np.concatenate([[TEACHER_ALWAYS], between, [STUDENT_ALWAYS] if len(rates) else []])
    return float(thresholds[int(np.argmax(total))])


def _check(teacher: np.ndarray, student: np.ndarray, rate: np.ndarray) -> None:
    if not np.shape(teacher) == np.shape(student) == np.shape(rate):
        raise LofiError(
            f"expected hits of teacher and student and a rate for each, found shapes {np.shape(teacher)}, "
            f"{np.shape(student)} and {np.shape(rate)}. Evaluate both on the same queries and qualities."
        )
