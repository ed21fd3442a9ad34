"""Poses between poses, against the formulas of Shoemake's slerp written down here."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation
from ways import bend

from lofivpr.alignment import AlignmentError, Trajectory


def slow_rotate(q: list[float], v: list[float]) -> list[float]:
    """q v q* of a unit quaternion (x, y, z, w), product by product."""

    def times(a: list[float], b: list[float]) -> list[float]:
        x, y, z, w = a
        i, j, k, r = b
        return [
            w * i + x * r + y * k - z * j,
            w * j - x * k + y * r + z * i,
            w * k + x * j - y * i + z * r,
            w * r - x * i - y * j - z * k,
        ]

    x, y, z, w = q
    return times(times(q, [*v, 0.0]), [-x, -y, -z, w])[:3]


def slow_slerp(a: list[float], b: list[float], share: float) -> list[float]:
    dot = sum(x * y for x, y in zip(a, b, strict=True))
    if dot < 0:  # the short way round
        b, dot = [-x for x in b], -dot
    angle = math.acos(min(1.0, dot))
    if angle < 1e-9:
        return a
    first, second = math.sin((1 - share) * angle) / math.sin(angle), math.sin(share * angle) / math.sin(angle)
    return [first * x + second * y for x, y in zip(a, b, strict=True)]


@settings(deadline=None)
@given(seed=st.integers(0, 10_000), share=st.floats(0, 1))
def test_between_two_poses(seed: int, share: float) -> None:
    rng = np.random.default_rng(seed)
    quaternions = Rotation.random(2, rng=rng)
    positions = rng.normal(size=(2, 3))
    way = Trajectory.of([3.0, 5.0], positions, quaternions)
    at, forward = way.at([3.0 + 2 * share])
    assert at[0] == pytest.approx([(1 - share) * a + share * b for a, b in zip(*positions.tolist(), strict=True)])
    between = slow_slerp(*quaternions.as_quat().tolist(), share)
    assert forward[0] == pytest.approx(slow_rotate(between, [0.0, 0.0, 1.0]), abs=1e-7)


def test_axes_of_a_camera_that_looks_north() -> None:
    """x right is east, y down, z forward is north: in a world with z up."""
    way = bend(10)
    north = Trajectory.of(
        [0, 1], [[0, 0, 0], [0, 1, 0]], Rotation.from_matrix([[[1, 0, 0], [0, 0, 1], [0, -1, 0]]] * 2)
    )
    assert north.forward[0] == pytest.approx([0, 1, 0]) and north.up[0] == pytest.approx([0, 0, 1])
    assert north.rotations[0][:, 0] == pytest.approx([1, 0, 0])
    assert way.forward[0] == pytest.approx([1, 0, 0]) and way.up == pytest.approx(np.tile([0, 0, 1.0], (10, 1)))


def test_nothing_is_known_outside_and_in_gaps() -> None:
    times = np.array([0.0, 1, 2, 3, 30, 31, 32])
    way = Trajectory.of(times, np.column_stack([times, times, times]), Rotation.identity(7))
    asked = np.array([-0.1, 0, 2.5, 3, 3.1, 29.9, 30, 32, 32.1])
    assert way.covers(asked).tolist() == [False, True, True, True, False, False, True, True, False]
    positions, forward = way.at(asked)
    assert np.isnan(positions[:, 0]).tolist() == np.isnan(forward[:, 0]).tolist() == (~way.covers(asked)).tolist()


def test_slow_key_frames_are_no_gap() -> None:
    way = Trajectory.of([0, 20, 40, 60, 200], np.eye(5, 3), Rotation.identity(5))
    assert way.covers([10, 50, 150]).all()


def test_poses_are_sorted_with_their_names() -> None:
    way = Trajectory.of([2, 0, 1], [[2, 0, 0], [0, 0, 0], [1, 0, 0]], Rotation.identity(3), ("c", "a", "b"))
    assert way.names == ("a", "b", "c") and way.positions[:, 0].tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"times": [0.0, 0.0, 1.0]}, "two for 0 s"),
        ({"times": [0.0, 1.0, np.nan]}, "finite"),
        ({"times": [1.0], "positions": np.zeros((1, 3))}, "at least 2"),
    ],
)
def test_bad_poses_are_refused(change: dict, words: str) -> None:
    poses = {"times": [0.0, 1.0, 2.0], "positions": np.zeros((3, 3))} | change
    with pytest.raises(AlignmentError, match=words):
        Trajectory.of(poses["times"], poses["positions"], Rotation.identity(len(poses["times"])))


def test_the_class_checks_itself() -> None:
    ones = np.tile([0, 0, 0, 1.0], (2, 1))
    with pytest.raises(AlignmentError, match="N x 3"):
        Trajectory(np.arange(2.0), np.zeros((3, 3)), ones)
    for times, quaternions, words in (([1.0, 0.0], ones, "increase"), ([0.0, 1.0], 2 * ones, "unit length")):
        with pytest.raises(AlignmentError, match=words):
            Trajectory(np.array(times), np.zeros((2, 3)), quaternions)
