from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from lofivpr.places.geodesy import (
    LocalFrame,
    PlacesError,
    from_utm,
    geocentric,
    geodesic,
    heading_difference,
    parse_zone,
    to_utm,
    zone_of,
)

GEOD = Geod(ellps="WGS84")
lats = st.floats(-79.0, 83.0)
lons = st.floats(-179.999, 179.999)


@settings(deadline=None)
@given(lats, lons)
def test_utm_matches_the_epsg_definition_and_comes_back(lat: float, lon: float) -> None:
    east, north, (zone,) = to_utm(np.array([lat]), np.array([lon]))
    number, south = parse_zone(zone)
    code = f"EPSG:{327 if south else 326}{number:02d}"
    expected = Transformer.from_crs("EPSG:4326", code, always_xy=True).transform(lon, lat)
    assert (east[0], north[0]) == pytest.approx(expected, abs=1e-6)
    back_lat, back_lon = from_utm(east, north, [zone])
    assert geodesic(back_lat, back_lon, np.array([lat]), np.array([lon]))[0] < 1e-6
    assert east.dtype == north.dtype == back_lat.dtype == np.float64


def test_utm_of_a_known_point() -> None:
    # The CN Tower as given by Wikipedia's article on UTM: zone 17T, 630084 m east, 4833438 m north.
    east, north, zones = to_utm(np.array([43 + 38 / 60 + 33.24 / 3600]), np.array([-79 - 23 / 60 - 13.7 / 3600]))
    assert zones == ["17T"]
    assert (east[0], north[0]) == pytest.approx((630084, 4833438), abs=1)


@pytest.mark.parametrize(
    ("lat", "lon", "zone"),
    [
        (52.2, 0.12, "31U"),
        (52.2, -0.12, "30U"),
        (60.4, 5.3, "32V"),  # Bergen: zone 31 gives way
        (55.9, 5.3, "31U"),
        (78.2, 15.6, "33X"),  # Longyearbyen
        (78.2, 8.9, "31X"),
        (78.2, 9.1, "33X"),
        (78.2, 33.1, "37X"),
        (-33.9, 151.2, "56H"),
        (0.0, 180.0, "1N"),
        (-0.001, -180.0, "1M"),
        (83.9, 100.0, "47X"),
        (-89.0, 0.0, "31C"),
    ],
)
def test_zones_with_their_exceptions(lat: float, lon: float, zone: str) -> None:
    assert zone_of(lat, lon) == zone


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("31U", (31, False)),
        ("31 u", (31, False)),
        ("10S", (10, False)),  # band S lies in the north: San Francisco
        ("56H", (56, True)),
        ("31N", (31, False)),
        ("31M", (31, True)),
        ("56south", (56, True)),
        ("EPSG:32756", (56, True)),
        ("epsg:32631", (31, False)),
    ],
)
def test_zones_are_read(text: str, expected: tuple[int, bool]) -> None:
    assert parse_zone(text) == expected


@pytest.mark.parametrize("text", ["31", "61U", "0U", "31I", "31O", "U", "", "EPSG:4326", "EPSG:32600"])
def test_other_zones_are_refused(text: str) -> None:
    with pytest.raises(PlacesError, match="expected a UTM zone"):
        parse_zone(text)


def test_the_letter_s_for_south_is_noticed() -> None:
    sydney_east, sydney_north = np.array([334369.0]), np.array([6250948.0])
    with pytest.raises(PlacesError, match="56south"):
        from_utm(sydney_east, sydney_north, ["56S"])
    lat, lon = from_utm(sydney_east, sydney_north, ["56south"])
    assert (lat[0], lon[0]) == pytest.approx((-33.87, 151.21), abs=0.01)
    from_utm(np.array([551000.0]), np.array([4180000.0]), ["10S"])  # San Francisco is in band S


def test_utm_off_the_map_is_refused() -> None:
    with pytest.raises(PlacesError, match="expected UTM metres in zone 31U"):
        from_utm(np.array([1e12]), np.array([5e6]), ["31U"])


@settings(deadline=None)
@given(
    st.floats(-80, 80), st.floats(-180, 180), st.floats(0, 360), st.floats(0, 5000), st.floats(0, 360),
    st.floats(0, 3000),
)  # fmt: skip
def test_distances_are_geodesic_everywhere(
    lat: float, lon: float, towards: float, away: float, turn: float, apart: float
) -> None:
    """Zone borders and the date line among them."""
    lon_a, lat_a, _ = GEOD.fwd(lon, lat, towards, away)
    lon_b, lat_b, _ = GEOD.fwd(lon_a, lat_a, turn, apart)
    pair_lat, pair_lon = np.array([lat_a, lat_b]), np.array([lon_a, lon_b])
    straight = np.linalg.norm(np.diff(geocentric(pair_lat, pair_lon), axis=0))
    assert straight == pytest.approx(apart, abs=1e-4)
    flat = LocalFrame(lat, lon).forward(pair_lat, pair_lon)
    assert np.linalg.norm(flat[0] - flat[1]) == pytest.approx(apart, rel=1e-6, abs=1e-3)


def test_differences_of_two_zones_would_be_wrong() -> None:
    """Two points 20 m apart across the border of zones 30 and 31: a trap that no room may fall into."""
    lat = np.array([52.0, 52.0])
    lon = np.array([-0.000145, 0.000145])
    east, north, zones = to_utm(lat, lon)
    assert zones == ["30U", "31U"]
    assert math.hypot(east[1] - east[0], north[1] - north[0]) > 100_000
    frame = LocalFrame.around(lat, lon)
    assert np.linalg.norm(np.diff(frame.forward(lat, lon), axis=0)) == pytest.approx(19.9, abs=0.1)


@settings(deadline=None)
@given(st.floats(-85, 85), st.floats(-180, 180), st.floats(-20000, 20000), st.floats(-20000, 20000))
def test_local_frame_comes_back(lat: float, lon: float, x: float, y: float) -> None:
    frame = LocalFrame(lat, lon)
    degrees = frame.inverse(np.array([[x, y]]))
    assert frame.forward(degrees[:, 0], degrees[:, 1])[0] == pytest.approx([x, y], abs=1e-3)


def test_local_frame_points_east_and_north_and_keeps_its_accuracy() -> None:
    frame = LocalFrame(52.0, 0.0)
    assert frame.forward(np.array([52.0, 52.01]), np.array([0.01, 0.0])) == pytest.approx(
        np.array([[686.6, 0.0], [0.0, 1112.6]]), abs=0.5
    )
    # 100 km to the east, a step of 1 km to the north: the stated 5e-5.
    lon_a, lat_a, _ = GEOD.fwd(0.0, 52.0, 90.0, 100_000)
    lon_b, lat_b, _ = GEOD.fwd(lon_a, lat_a, 0.0, 1000)
    a, b = frame.forward(np.array([lat_a, lat_b]), np.array([lon_a, lon_b]))
    assert np.linalg.norm(a - b) == pytest.approx(1000, rel=5e-5)


def test_a_frame_about_points_on_both_sides_of_the_date_line() -> None:
    frame = LocalFrame.around(np.array([-17.0, -17.0]), np.array([179.999, -179.999]))
    assert abs(frame.lon) == pytest.approx(180.0, abs=1e-9)
    with pytest.raises(PlacesError, match="origin"):
        LocalFrame(91.0, 0.0)


@settings(deadline=None)
@given(st.floats(-1000, 1000), st.floats(-1000, 1000))
def test_heading_difference_is_the_angle_between_directions(a: float, b: float) -> None:
    dot = math.cos(math.radians(a)) * math.cos(math.radians(b)) + math.sin(math.radians(a)) * math.sin(math.radians(b))
    assert math.cos(math.radians(float(heading_difference(a, b)))) == pytest.approx(dot, abs=1e-9)
    assert 0 <= heading_difference(a, b) <= 180


def test_headings_wrap_around_north() -> None:
    assert heading_difference([359, 1, 180, 350], [1, 359, 0, 710]).tolist() == [2, 2, 180, 0]


def test_the_origin_is_among_its_points() -> None:
    frame = LocalFrame.around(np.array([44.999, 45.001]), np.array([9.0, 9.0]))
    assert (frame.lat, frame.lon) == pytest.approx((45.0, 9.0), abs=1e-6)
