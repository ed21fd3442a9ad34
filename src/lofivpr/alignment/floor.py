"""The floor under a trajectory: monocular SLAM knows no gravity, so a plane is fitted before any fit in 2-D."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import numpy as np

from lofivpr.alignment.trajectory import AlignmentError, Floats, Trajectory

STRAIGHT = 0.05  # a walk that is less wide than this share of its length is a line: it spans no plane
LEVEL = 0.1  # sine of the angle to the floor's normal below which a direction has no heading


@dataclass(frozen=True, eq=False)
class Floor:
    """A plane in the world of a trajectory, seen from above.

    Coordinates on it, in the trajectory's unit: x to the right, y to the top, turning left is positive; the third
    row of `axes` is up.

    Attributes:
        origin: float64 3, the mean of the trajectory's positions.
        axes: float64 3 x 3, the rows are x, y and up in the world: a rotation.
        roughness: RMS height of the positions over the plane.
    """

    origin: Floats
    axes: Floats
    roughness: float

    def xy(self, points: Floats) -> Floats:
        """Points of the world (N x 3) on the floor, N x 2."""
        return cast(Floats, (points - self.origin) @ self.axes[:2].T)

    def directions(self, vectors: Floats) -> Floats:
        """Unit vectors of the world (N x 3) on the floor, N x 2 of unit length; NaN where they stand almost upright."""
        flat = vectors @ self.axes[:2].T
        length = np.linalg.norm(flat, axis=1, keepdims=True)
        return np.where(length > LEVEL, flat / np.maximum(length, LEVEL), np.nan)


def fit_floor(trajectory: Trajectory) -> Floor:
    """The plane nearest to all positions (least squares, by SVD), x along the longest extent of the walk.

    The sign of its normal, which an SVD leaves open, is that of the cameras' mean upwards. A walk along a line
    spans no plane: there the normal is the mean upwards itself, made perpendicular to the line.

    Raises:
        AlignmentError: the camera never moved, or the cameras' upwards does not say which side is above.
    """
    origin = trajectory.positions.mean(axis=0)
    _, extents, axes = np.linalg.svd(trajectory.positions - origin, full_matrices=True)
    if extents[0] <= 1e-12 * max(1.0, float(np.abs(trajectory.positions).max())):
        raise AlignmentError("expected a trajectory that moves, found one position. Give a longer one.")
    along, mean_up = axes[0], trajectory.up.mean(axis=0)
    if len(extents) < 2 or extents[1] < STRAIGHT * extents[0]:
        normal = mean_up - (mean_up @ along) * along
    else:
        normal = axes[2] * np.sign(axes[2] @ mean_up)
    if np.linalg.norm(normal) < LEVEL or abs(normal @ mean_up) < LEVEL:
        raise AlignmentError(
            "expected cameras that are held upright, to tell above from below, found their mean upwards along the "
            "floor. Turn the trajectory so that the camera's y axis points down."
        )
    normal /= np.linalg.norm(normal)
    along = along * _towards(along @ (trajectory.positions[-1] - trajectory.positions[0]))
    rows = np.stack([along, np.cross(normal, along), normal])
    heights = (trajectory.positions - origin) @ normal
    return Floor(origin, rows, float(np.sqrt(np.mean(heights**2))))


def _towards(progress: float) -> float:
    """The sign of a direction, which an SVD leaves open: from the first pose to the last."""
    return 1.0 if progress >= 0 else -1.0
