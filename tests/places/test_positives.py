from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from lofivpr.places import Places, PlacesError, Positives

GEOD = Geod(ellps="WGS84")


def make(prefix: str = "d", root: str = "data", **columns: list) -> Places:
    rows = len(next(iter(columns.values())))
    return Places.from_table(root, pa.table({"image": [f"{prefix}{i}.jpg" for i in range(rows)]} | columns))


def lists(found: list[np.ndarray]) -> list[list[int]]:
    assert all(rows.dtype == np.int64 for rows in found)
    return [rows.tolist() for rows in found]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("25m", Positives("metres", 25.0)),
        ("0.5m", Positives("metres", 0.5)),
        ("25m,45deg", Positives("metres", 25.0, 45.0)),
        ("place", Positives("place")),
        ("place,30deg", Positives("place", 0.0, 30.0)),
        ("2frames", Positives("frames", 2.0)),
        ("0frames", Positives("frames", 0.0)),
    ],
)
def test_rules_are_read_and_written(text: str, expected: Positives) -> None:
    assert Positives.parse(text) == expected
    assert str(expected) == text
    assert Positives.parse(expected) is expected


def test_spellings() -> None:
    assert str(Positives.parse(" 25 M, 45.0 deg ")) == "25m,45deg"
    assert str(Positives.parse("1frame")) == "1frames"


@settings(deadline=None)
@given(st.floats(0, 1e9), st.none() | st.floats(0, 180))
def test_rules_round_trip(limit: float, heading: float | None) -> None:
    rule = Positives("metres", limit, heading)
    assert Positives.parse(str(rule)) == rule


@pytest.mark.parametrize(
    "text", ["", "25", "-25m", "25km", "m", "2.5frames", "45deg", "25m,200deg", "25m,place", "nanm"]
)
def test_other_rules_are_refused(text: str) -> None:
    with pytest.raises(PlacesError, match="expected"):
        Positives.parse(text)


points = st.lists(st.tuples(st.floats(0, 360), st.floats(0, 60), st.floats(0, 359.9)), min_size=1, max_size=12)


@settings(deadline=None, max_examples=60)
@given(st.floats(-75, 75), st.integers(1, 60), points, points, st.floats(1, 60), st.none() | st.floats(0, 180))
def test_distance_and_heading_against_all_pairs(
    lat: float, zone: int, query: list, database: list, radius: float, turn: float | None
) -> None:
    """Around a border of zones, the date line among them: every pair by the geodesic, one by one."""

    def scatter(prefix: str, rows: list) -> Places:
        where = [GEOD.fwd(-180 + 6 * zone, lat, azimuth, metres) for azimuth, metres, _ in rows]
        return make(prefix, lat=[w[1] for w in where], lon=[w[0] for w in where], heading_deg=[r[2] for r in rows])

    queries, places = scatter("q", query), scatter("d", database)
    found = lists(Positives("metres", radius, turn).find(queries, places))
    for row, q in enumerate(queries):
        sure, maybe = set(), set()
        for column, d in enumerate(places):
            metres = GEOD.inv(q.lon, q.lat, d.lon, d.lat)[2]
            angle = min(abs(q.heading_deg - d.heading_deg), 360 - abs(q.heading_deg - d.heading_deg))
            limit = 180 if turn is None else turn
            if metres < radius - 1e-4 and angle <= limit:
                sure.add(column)
            if metres < radius + 1e-4 and angle <= limit + 1e-6:
                maybe.add(column)
        assert sure <= set(found[row]) <= maybe
        assert found[row] == sorted(found[row])


def test_the_circle_itself_is_inside() -> None:
    queries = make("q", easting=[0.1], northing=[0.2])
    places = make(easting=[15.1, 0.1, 25.1, 25.2, 0.1], northing=[20.2, 25.2, 0.2, 0.2, 25.2001])
    assert lists(Positives.parse("25m").find(queries, places)) == [[0, 1, 2]]


def test_rounding_does_not_push_a_picture_off_the_circle() -> None:
    """Pseudo-UTM of 2.4 m a frame, as the field writes it: 24 m are ten frames, wherever they are."""
    metres = [round(2.4 * frame, 2) for frame in range(200)]
    queries, places = (make(prefix, easting=metres, northing=[0.0] * 200) for prefix in "qd")
    found = lists(Positives.parse("24m").find(queries, places))
    assert found == [[d for d in range(200) if abs(q - d) <= 10] for q in range(200)]


def test_headings_on_both_sides_of_north() -> None:
    queries = make("q", easting=[0.0], northing=[0.0], heading_deg=[359.0])
    places = make(easting=[1.0] * 5, northing=[0.0] * 5, heading_deg=[1.0, 44.0, 44.5, 314.0, 180.0])
    assert lists(Positives.parse("25m,2deg").find(queries, places)) == [[0]]
    assert lists(Positives.parse("25m,45deg").find(queries, places)) == [[0, 1, 3]]


def test_a_picture_is_never_its_own_positive() -> None:
    columns = {"easting": [0.0, 1.0, 2.0], "northing": [0.0] * 3, "place": ["a"] * 3, "frame": [1, 2, 3]}
    places = make(**columns)
    for rule in ("25m", "place", "2frames"):
        assert lists(Positives.parse(rule).find(places, places)) == [[1, 2], [0, 2], [0, 1]]
        turned = places.select([2, 0, 1])  # the row of the database tells nothing
        assert lists(Positives.parse(rule).find(places.select([0]), turned)) == [[0, 2]]
    # The same name under another root is another picture.
    elsewhere = make(root="other", **columns)
    assert lists(Positives.parse("25m").find(places, elsewhere)) == [[0, 1, 2]] * 3


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_places_and_frames_against_all_pairs(data: st.DataObject) -> None:
    def side(prefix: str) -> Places:
        rows = data.draw(
            st.lists(
                st.tuples(st.sampled_from("abc"), st.none() | st.sampled_from("st"), st.integers(-5, 5)),
                min_size=1, max_size=10,
            )
        )  # fmt: skip
        place, sequence, frame = (list(values) for values in zip(*rows, strict=True))
        return make(prefix, place=place, sequence=pa.array(sequence, pa.string()), frame=frame)

    queries, places, limit = side("q"), side("d"), data.draw(st.integers(0, 3))
    by_place = [[c for c, d in enumerate(places) if d.place == q.place] for q in queries]
    by_frame = [
        [c for c, d in enumerate(places) if d.sequence == q.sequence and abs(d.frame - q.frame) <= limit]
        for q in queries
    ]
    assert lists(Positives.parse("place").find(queries, places)) == by_place
    assert lists(Positives.parse(f"{limit}frames").find(queries, places)) == by_frame


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("25m", r"a position .*found none for 1 of 2, first d1\.jpg"),
        ("25m,45deg", "a position"),
        ("place", "`place` for every picture, needed for positives by place, found none for 2 of 2"),
        ("2frames", "`frame` for every picture, needed for positives 2frames"),
    ],
)
def test_what_a_rule_needs(rule: str, message: str) -> None:
    places = make(easting=[0.0, None], northing=[0.0, None])
    with pytest.raises(PlacesError, match=message):
        Positives.parse(rule).find(places, places)


def test_missing_headings_and_mixed_frames() -> None:
    local, earth = make(easting=[0.0], northing=[0.0]), make("q", lat=[52.0], lon=[0.0])
    with pytest.raises(PlacesError, match="`heading_deg` for every picture"):
        Positives.parse("25m,45deg").find(local, local)
    with pytest.raises(PlacesError, match="one on earth and one in local metres"):
        Positives.parse("25m").find(earth, local)
