"""The floor under a walk that SLAM has turned, scaled and shifted at will."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from ways import bend, moved, upright

from lofivpr.alignment import AlignmentError, Trajectory, fit_floor, umeyama


@settings(deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_plan_of_a_walk_comes_back(seed: int) -> None:
    """Up to a turn within the floor: shape, size, left and right, and where the cameras look."""
    rng = np.random.default_rng(seed)
    walk, scale = bend(), float(rng.uniform(0.01, 100))
    way = moved(walk, Rotation.random(rng=rng), scale, rng.normal(size=3) * 50)
    floor = fit_floor(way)
    assert np.linalg.det(floor.axes) == pytest.approx(1)
    assert floor.axes @ floor.axes.T == pytest.approx(np.eye(3), abs=1e-9)
    assert floor.roughness < 1e-9 * scale * 100
    flat = floor.xy(way.positions)
    found, turn, _ = umeyama(walk.positions[:, :2], flat)
    assert found == pytest.approx(scale)
    assert floor.directions(way.forward) == pytest.approx(walk.forward[:, :2] @ turn.T, abs=1e-6)
    assert np.linalg.norm(np.diff(flat, axis=0), axis=1) == pytest.approx(np.full(39, scale))


def slow_turning(points: np.ndarray) -> float:
    """Sum of cross products of steps that follow each other: positive for a way to the left."""
    total = 0.0
    for a, b, c in zip(points[:-2], points[1:-1], points[2:], strict=True):
        total += (b[0] - a[0]) * (c[1] - b[1]) - (b[1] - a[1]) * (c[0] - b[0])
    return total


def test_left_stays_left_whatever_the_sign_of_the_svd() -> None:
    rng = np.random.default_rng(1)
    for _ in range(50):
        way = moved(bend(), Rotation.random(rng=rng), 1.0, np.zeros(3))
        assert slow_turning(fit_floor(way).xy(way.positions)) > 0
        upside_down = Trajectory.of(
            way.times, way.positions, Rotation.from_quat(way.quaternions) * Rotation.from_euler("z", 180, degrees=True)
        )
        assert slow_turning(fit_floor(upside_down).xy(way.positions)) < 0


def test_x_runs_along_the_walk() -> None:
    way = moved(bend(), Rotation.from_euler("xyz", [10, 200, 30], degrees=True), 1.0, np.zeros(3))
    flat = fit_floor(way).xy(way.positions)
    assert np.ptp(flat[:, 0]) > np.ptp(flat[:, 1]) and flat[-1, 0] > flat[0, 0]


def test_bumps_are_told_and_do_not_tilt() -> None:
    walk = bend(200)
    bumps = 0.05 * np.sin(np.arange(200) * 2.1)
    rough = Trajectory.of(walk.times, walk.positions + np.outer(bumps, [0, 0, 1]), Rotation.from_quat(walk.quaternions))
    floor = fit_floor(rough)
    assert floor.roughness == pytest.approx(0.05 / np.sqrt(2), rel=0.1)
    assert floor.axes[2] == pytest.approx([0, 0, 1], abs=0.01)


def test_a_straight_walk_takes_up_from_the_cameras() -> None:
    """A line spans no plane: sway of a few millimetres up and down must not tip the floor over."""
    gone = np.arange(60.0)
    positions = np.column_stack([gone, 0.001 * np.sin(gone), 0.02 * np.sin(1.7 * gone)])
    floor = fit_floor(Trajectory.of(gone, positions, upright(np.full(60, 90.0))))
    assert floor.axes[2] == pytest.approx([0, 0, 1], abs=1e-3) and floor.axes[0] == pytest.approx([1, 0, 0], abs=1e-3)


def test_a_camera_that_looks_up_has_no_heading() -> None:
    way = bend()
    floor = fit_floor(way)
    found = floor.directions(np.array([[0, 0, 1.0], [0.05, 0, 0.9987], [0.6, 0, 0.8]]))
    assert np.isnan(found[:2]).all() and np.linalg.norm(found[2]) == pytest.approx(1)


def test_what_tells_no_floor_is_refused() -> None:
    still = Trajectory.of([0, 1, 2], np.ones((3, 3)), upright(np.zeros(3)))
    with pytest.raises(AlignmentError, match="moves"):
        fit_floor(still)
    walk = bend()
    lying = Trajectory.of(
        walk.times, walk.positions, Rotation.from_euler("z", np.arange(40)[:, None] * 9, degrees=True)
    )
    with pytest.raises(AlignmentError, match="upright"):
        fit_floor(lying)
