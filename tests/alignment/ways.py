"""Trajectories that tests share."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from lofivpr.alignment import Trajectory


def upright(headings_deg: np.ndarray) -> Rotation:
    """Cameras in a world with x east, y north, z up, held level, that look along these headings, axis by axis."""
    matrices = []
    for heading in np.radians(headings_deg):
        forward = np.array([np.sin(heading), np.cos(heading), 0.0])
        down = np.array([0.0, 0.0, -1.0])
        matrices.append(np.column_stack([np.cross(down, forward), down, forward]))
    return Rotation.from_matrix(np.array(matrices))


def bend(count: int = 40, speed: float = 1.0) -> Trajectory:
    """A walk on the ground: to the east, then in a bend to the left, one pose a second, looking ahead."""
    gone = np.arange(count) * speed
    half = gone[-1] / 2
    turned = np.clip(gone - half, 0, None) / half * 2.0
    heading = 90.0 - np.degrees(turned)
    steps = speed * np.column_stack([np.sin(np.radians(heading)), np.cos(np.radians(heading)), 0 * gone])
    return Trajectory.of(np.arange(count, dtype=float), np.cumsum(steps, axis=0), upright(heading))


def moved(trajectory: Trajectory, turn: Rotation, scale: float, shift: np.ndarray) -> Trajectory:
    """The same walk in another world, as SLAM would choose it."""
    return Trajectory.of(
        trajectory.times,
        scale * turn.apply(trajectory.positions) + shift,
        turn * Rotation.from_quat(trajectory.quaternions),
        trajectory.names,
    )
