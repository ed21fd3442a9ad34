from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.maps.filters import Filter
from lofivpr.places.geodesy import GEOD, geocentric


@given(
    lat=st.floats(-85, 85),
    lon=st.floats(-180, 180),
    radius=st.floats(1, 5000),
    seed=st.integers(0, 1000),
)
@settings(max_examples=50, deadline=None)
def test_a_radius_is_a_geodesic_one(lat: float, lon: float, radius: float, seed: int) -> None:
    rng = np.random.default_rng(seed)
    away = radius * rng.uniform(0, 2, 50)
    away = away[np.abs(away - radius) > 0.01]
    lons, lats, _ = GEOD.fwd([lon] * len(away), [lat] * len(away), rng.uniform(0, 360, len(away)), away)
    points = geocentric(np.array(lats), np.array(lons))
    mask = Filter((lat, lon), radius).mask(points, np.full(len(away), np.nan), True)
    np.testing.assert_array_equal(mask, away <= radius)


def test_a_radius_in_local_metres_is_inclusive() -> None:
    points = np.array([[3.0, 4, 0], [3, 4.001, 0], [-3, -4, 0]])
    mask = Filter((0, 0), 5).mask(points, np.full(3, np.nan), False)
    assert mask.tolist() == [True, False, True]


def test_a_heading_goes_around_north_and_spares_who_has_none() -> None:
    headings = np.array([350.0, 10, 30, 31, 180, np.nan])
    mask = Filter(heading=10, tolerance_deg=20).mask(np.zeros((6, 3)), headings, True)
    assert mask.tolist() == [True, True, True, False, False, True]
    both = Filter((0, 0), 1, 10, 20).mask(np.array([[0.0, 0, 0]] * 5 + [[2.0, 0, 0]]), headings, False)
    assert both.tolist() == [True, True, True, False, False, False]


def test_nothing_known_lets_all_through() -> None:
    assert Filter().is_empty and not Filter(heading=0.0).is_empty and not Filter((0, 0), 0.0).is_empty


@pytest.mark.parametrize(
    "wrong",
    [
        {"near": (0, 0)},
        {"radius_m": 5.0},
        {"near": (0, float("nan")), "radius_m": 5.0},
        {"near": (0, 0), "radius_m": -1.0},
        {"heading": float("inf")},
        {"heading": 1.0, "tolerance_deg": -1.0},
    ],
)
def test_half_a_filter_is_refused(wrong: dict) -> None:
    with pytest.raises(LofiError):
        Filter(**wrong)


def test_degrees_that_are_none_are_refused() -> None:
    with pytest.raises(LofiError, match="latitude and longitude"):
        Filter((91, 0), 5).mask(np.zeros((1, 3)), np.zeros(1), True)
