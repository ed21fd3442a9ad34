"""Where a model looks, measured: the share of its heat on a part of the picture.

A share is of the map's sum. It means something against the share of the area that the part covers: a map that looks
everywhere alike has just that.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from lofivpr.evaluation.bootstrap import Difference, bootstrap_interval, paired_difference


@dataclass(frozen=True)
class HeatShare:
    """Mean share of the heat on a part of the pictures, with its interval, and of the area, all in percent."""

    mean: float
    low: float
    high: float
    area: float
    pictures: int


def heat_share(heat: np.ndarray, cells: np.ndarray) -> float:
    """Share of the heat that lies on a part of the picture, 0 to 1; NaN where there is no heat at all.

    Args:
        heat: h x w, not negative: rows and columns of the feature grid, which covers the whole picture.
        cells: h x w, how much of each cell is of the part, 0 to 1: `coverage` or `cells_of`.
    """
    total = float(heat.sum())
    return float((heat * cells).sum()) / total if total > 0 else float("nan")


def coverage(part: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """How much of each cell of a grid of `shape` (h, w) a part covers: float64 h x w, 0 to 1.

    Args:
        part: bool H x W, H >= h and W >= w.
    """
    height, width = shape
    found = cv2.resize(part.astype(np.float64), (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(found, np.float64)


def cells_of(points: np.ndarray, size: tuple[int, int], shape: tuple[int, ...]) -> np.ndarray:
    """The cells of a grid of `shape` (h, w) that hold a point: bool h x w.

    Args:
        points: m x 2, (x, y) in pixels of a picture of `size` (width, height).
    """
    cells = np.zeros(shape, bool)
    if len(points):
        grid = np.array([shape[1], shape[0]]) / np.array(size)
        column, row = np.clip(((points + 0.5) * grid).astype(int), 0, [shape[1] - 1, shape[0] - 1]).T
        cells[row, column] = True
    return cells


def mean_share(shares: np.ndarray, areas: np.ndarray, groups: np.ndarray) -> HeatShare | None:
    """The mean over pictures, with a bootstrap interval over groups; None where no picture has the part.

    Args:
        shares, areas: float64 Q, 0 to 1; NaN for a picture that does not count.
        groups: int Q, the panorama or sequence of each.
    """
    known = np.isfinite(shares) & np.isfinite(areas)
    if not known.any():
        return None
    low, high = bootstrap_interval(shares[known], groups[known])
    area = 100 * float(areas[known].mean())
    return HeatShare(100 * float(shares[known].mean()), float(low), float(high), area, int(known.sum()))


def share_difference(a: np.ndarray, b: np.ndarray, groups: np.ndarray) -> Difference | None:
    """Paired difference of two models' shares on the same pictures, a - b in points; None where none has both."""
    known = np.isfinite(a) & np.isfinite(b)
    return paired_difference(a[known], b[known], groups[known]) if known.any() else None
