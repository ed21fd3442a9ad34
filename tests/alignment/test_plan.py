from __future__ import annotations

import numpy as np
import pytest

from lofivpr.alignment import AlignmentError, Ground, Plan, metres_per_pixel
from lofivpr.places import LocalFrame, geodesic, heading_difference


def test_pixels_and_metres() -> None:
    """The upper left corner of a plan of 40 x 30 pixels of 0.5 m is 15 m above the lower left one."""
    plan = Plan(40, 30, 0.5)
    assert plan.to_units([[0, 0], [0, 30], [40, 30]]).tolist() == [[0, 15], [0, 0], [20, 0]]
    pixels = np.array([[3.5, 7.25], [11, 2]])
    assert plan.to_pixels(plan.to_units(pixels)) == pytest.approx(pixels)
    assert plan.unit == "m" and Plan(40, 30).unit == "px" and Plan(40, 30).to_units([[1, 29]]).tolist() == [[1, 1]]


def test_known_distance() -> None:
    assert metres_per_pixel((10, 10), (13, 14), 2.5) == pytest.approx(0.5)
    for case in (((1, 1), (1, 1), 3.0), ((1, 1), (2, 1), 0.0), ((1, 1), (2, 1), float("nan"))):
        with pytest.raises(AlignmentError, match="distance"):
            metres_per_pixel(*case)
    with pytest.raises(AlignmentError):
        Plan(0, 10)
    with pytest.raises(AlignmentError):
        Plan(10, 10, -1)


def test_a_plan_on_earth() -> None:
    """10 m to the top of a plan whose top looks to the east is 10 m to the east, and headings turn with it."""
    ground = Ground(LocalFrame(48.5, 9.0), up_deg=90)
    found = ground.columns(np.array([[0, 0], [0, 10.0], [10, 0], [np.nan, np.nan]]), np.array([0, 30, 300, np.nan]))
    lat, lon = found["lat"], found["lon"]
    corner = np.full(1, 48.5), np.full(1, 9.0)
    assert geodesic(*corner, lat[1:2], lon[1:2]) == pytest.approx([10], abs=1e-3) and lon[1] > 9.0
    assert lat[1] == pytest.approx(48.5, abs=1e-7) and lat[2] < 48.5 and lon[2] == pytest.approx(9.0, abs=1e-7)
    assert np.isnan(lat[3]) and heading_difference(found["heading_deg"][:3], [90, 120, 30]) == pytest.approx([0, 0, 0])


def test_a_heading_needs_a_place() -> None:
    with pytest.raises(AlignmentError, match="corner"):
        Ground(up_deg=30)
