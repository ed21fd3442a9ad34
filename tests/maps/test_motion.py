"""The motion model against loops over pairs of places, and the speed it really has."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.maps.motion import Motion, spacing_of, step_of, walk


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 999), n=st.integers(1, 12), reach=st.floats(1, 90))
def test_equals_the_loop(seed: int, n: int, reach: float) -> None:
    points = np.random.default_rng(seed).uniform(0, 60, (n, 3))
    expected = np.zeros((n, n))
    for i in range(n):
        near = [j for j in range(n) if np.linalg.norm(points[i] - points[j]) <= reach]
        expected[i, near] = 1 / len(near)
    np.testing.assert_allclose(walk(points, reach).toarray(), expected, atol=1e-12)


@pytest.mark.parametrize("dt", [0.2, 1.0, 10.0, 33.3])
def test_the_camera_keeps_to_its_speed_and_does_not_stand_still(dt: float) -> None:
    """Along a line of places, the mean distance of one step is between a quarter and 1.2 times speed x time."""
    points = np.column_stack((np.arange(0, 2000, 10.0), np.zeros(200), np.zeros(200)))
    goes, reach = step_of(3.0 * dt, 10.0)
    mean = goes * walk(points, reach)[100].toarray().ravel() @ np.abs(points[:, 0] - points[100, 0])
    assert 0.25 * 3 * dt <= mean <= 1.21 * 3 * dt
    assert reach < 3 * dt + 20


def test_a_step_goes_with_its_length_and_few_reaches_occur() -> None:
    assert [step_of(step, 10.0) for step in (0, 5, 20, 20.1, 100)] == [(0, 20), (0.5, 20), (1, 20), (1, 30), (1, 100)]


def test_spacing_is_the_median_distance_to_the_nearest() -> None:
    assert spacing_of(np.array([[0.0, 0, 0], [3, 0, 0], [3, 4, 0], [3, 4, 100]])) == 3.5
    assert spacing_of(np.zeros((1, 3))) == 1.0


def test_leaps_are_a_poisson_process() -> None:
    motion = Motion(leaps_per_s=0.2)
    assert 1 - (1 - motion.leap(0.5)) ** 6 == pytest.approx(motion.leap(3.0)) and motion.leap(0) == 0


def test_frames_close_in_time_count_in_part() -> None:
    motion = Motion(independent_s=2.0)
    assert [motion.weight(dt) for dt in (None, 0.0, 0.5, 2.0, 9.0)] == [1, 0, 0.25, 1, 1]
    assert Motion(independent_s=0).weight(0.1) == 1


@pytest.mark.parametrize("name", ["speed_m_s", "leaps_per_s", "forget_s", "independent_s"])
def test_checks_itself(name: str) -> None:
    with pytest.raises(LofiError, match="expected"):
        Motion(**{name: -1.0})
