from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyproj import Geod

from lofivpr.places import SCHEMA, LocalFrame, Place, Places, PlacesError

GEOD = Geod(ellps="WGS84")


def make(root: str | Path = "data", **columns: list) -> Places:
    rows = len(next(iter(columns.values())))
    return Places.from_table(root, pa.table({"image": [f"{i}.jpg" for i in range(rows)]} | columns))


ROLED = {
    "split": ["train", "train", "test", "test", "test"],
    "role": ["database", "query", "database", None, "query"],
    "lat": [52.0, 52.1, 52.2, 52.3, 52.4],
    "lon": [0.0, 0.1, 0.2, 0.3, 0.4],
}


def test_rows_columns_and_parts() -> None:
    places = make(**ROLED)
    assert len(places) == 5 and places.splits == ["train", "test"]
    assert isinstance(places[1], Place) and places[1].lat == 52.1 and places[-1].image == "4.jpg"
    assert list(places) == [places[row] for row in range(5)]
    assert places.split("test").images == ["2.jpg", "3.jpg", "4.jpg"]
    assert places.split("test").database.images == ["2.jpg", "3.jpg"]  # without role: of the database
    assert places.queries.images == ["1.jpg", "4.jpg"]
    assert places.select([3, 0]).images == ["3.jpg", "0.jpg"]
    assert places.select(np.array([True, False, False, False, True])).images == ["0.jpg", "4.jpg"]
    assert len(places.select([])) == 0
    assert places.split("test").root == Path("data")
    assert repr(places) == (
        "Places(5 pictures, split train: 1 database, 1 query; split test: 1 database, 1 without role, 1 query)"
    )
    with pytest.raises(IndexError):
        places[5]


def test_columns_as_arrays() -> None:
    places = make(lat=[52.0, None], lon=[0.0, None], frame=[3, None], place=[None, "hall"])
    assert places.column("lat").dtype == np.float64 and np.isnan(places.column("lat")[1])
    assert places.column("frame")[0] == 3 and np.isnan(places.column("frame")[1])
    assert places.column("place").tolist() == [None, "hall"]
    assert places.table.schema.equals(SCHEMA)


def test_an_unknown_split_and_a_missing_role_name_what_there_is() -> None:
    places = make(**ROLED)
    with pytest.raises(PlacesError, match=r"expected a split 'val', found train, test\."):
        places.split("val")
    with pytest.raises(PlacesError, match="found no splits"):
        make(place=["hall"]).split("test")
    with pytest.raises(PlacesError, match=r"role `query`, found split train: 1 database\..*leave-panorama-out"):
        places.split("train").database.queries  # noqa: B018
    with pytest.raises(PlacesError, match=r"role `database`, found split test: 1 query\."):
        places.split("test").queries.database  # noqa: B018


def test_pictures_without_position_are_named() -> None:
    places = make(lat=[52.0, None, None], lon=[0.0, None, None])
    assert not places.has_positions and places.select([0]).has_positions
    with pytest.raises(PlacesError, match=r"found none for 2 of 3, first 1\.jpg"):
        places.xy()


@settings(deadline=None, max_examples=50)
@given(
    st.floats(-79, 79), st.integers(1, 60),
    st.lists(st.tuples(st.floats(0, 360), st.floats(0, 2000)), min_size=2, max_size=6),
)  # fmt: skip
def test_xy_and_points_are_geodesic_across_a_zone_border(
    lat: float, zone: int, steps: list[tuple[float, float]]
) -> None:
    border = -180.0 + 6 * zone
    walked = [GEOD.fwd(border, lat, azimuth, metres)[:2] for azimuth, metres in steps]
    places = make(lat=[y for _, y in walked], lon=[x for x, _ in walked])
    xy, points = places.xy(), places.points()
    assert xy.dtype == points.dtype == np.float64 and xy.shape == (len(walked), 2)
    for a in range(len(walked)):
        for b in range(a):
            metres = GEOD.inv(*walked[a], *walked[b])[2]
            assert np.linalg.norm(xy[a] - xy[b]) == pytest.approx(metres, rel=1e-6, abs=1e-3)
            assert np.linalg.norm(points[a] - points[b]) == pytest.approx(metres, rel=1e-6, abs=1e-4)


def test_parts_keep_the_frame_of_the_whole() -> None:
    places = make(**ROLED)
    assert places.split("test").queries.xy() == pytest.approx(places.xy()[[4]], abs=0)
    other = LocalFrame(52.4, 0.4)
    assert places.xy(other)[4] == pytest.approx([0, 0], abs=1e-6)


def test_local_metres_are_their_own_frame() -> None:
    places = make(easting=[0.0, 3.0], northing=[0.0, 4.0])
    assert places.frame is None
    assert places.xy().tolist() == [[0, 0], [3, 4]]
    assert places.points().tolist() == [[0, 0, 0], [3, 4, 0]]
    with pytest.raises(PlacesError, match="found metres in a local frame"):
        places.xy(LocalFrame(0, 0))


def test_groups_by_panorama_else_sequence_else_place_else_row() -> None:
    places = make(
        panorama=["a", "b", "a", None, None, None, None, None, None],
        sequence=["s", "s", "t", "s", "s", "a", None, None, None],
        place=[None, None, None, "p", "q", None, "p", "p", None],
    )
    groups = places.groups()
    assert groups.dtype == np.int64
    expected = ["pa", "pb", "pa", "ss", "ss", "sa", "lp", "lp", "row"]
    assert [[a == b for b in groups] for a in groups] == [[a == b for b in expected] for a in expected]


def test_digest_is_of_the_table_only() -> None:
    assert make("here", **ROLED).digest == make("there", **ROLED).digest
    assert make(**ROLED).digest != make(**ROLED).split("test").digest
    assert make(**ROLED).select([1, 0, 2, 3, 4]).digest != make(**ROLED).digest


def test_with_column() -> None:
    places = make(**ROLED)
    changed = places.with_column("split", ["a"] * 4 + [None])
    assert changed.splits == ["a"] and changed[4].split is None and places.splits == ["train", "test"]
    assert changed.xy().tolist() == places.xy().tolist()
    with pytest.raises(ValueError, match="from_table"):
        places.with_column("lat", [0.0] * 5)


@settings(deadline=None, max_examples=50)
@given(
    st.lists(
        st.tuples(
            st.floats(-80, 84), st.floats(-180, 180), st.none() | st.floats(0, 359),
            st.none() | st.text("abc ,;\"'\té@", min_size=1).map(str.strip).filter(bool),
            st.none() | st.integers(0, 2**53),
        ),
        min_size=1, max_size=4,
    )
)  # fmt: skip
def test_what_is_written_is_read_back(rows: list) -> None:
    import tempfile

    lat, lon, heading, place, frame = (list(values) for values in zip(*rows, strict=True))
    places = make(lat=lat, lon=lon, heading_deg=pa.array(heading, pa.float64()),
                  place=pa.array(place, pa.string()), frame=pa.array(frame, pa.int64()))  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        places.write(Path(folder) / "places.csv")
        again = Places.open(folder)
    assert again.digest == places.digest
    assert again.table.equals(places.table)


def test_utm_and_local_places_are_read_back(tmp_path: Path) -> None:
    for columns in (
        {"easting": [303084.33], "northing": [5787436.29], "zone": ["31U"]},
        {"easting": [0.1], "northing": [-0.2]},
    ):
        places = make(**columns)
        places.write(tmp_path / "places.csv")
        assert Places.open(tmp_path).digest == places.digest
    assert (tmp_path / "places.csv").read_text().splitlines()[0].replace('"', "") == "image,easting,northing,zone"


def test_pictures_are_opened_from_the_root(tmp_path: Path) -> None:
    Image.new("RGB", (4, 3), (255, 0, 0)).save(tmp_path / "0.png")
    places = Places.from_table(tmp_path, pa.table({"image": ["0.png"]}))
    image = places.open_image(0)
    assert image.shape == (3, 4, 3) and image.dtype == np.uint8 and image[0, 0].tolist() == [255, 0, 0]


@pytest.mark.skipif("LOFIVPR_REAL_DATA" not in os.environ, reason="LOFIVPR_REAL_DATA is not set")
def test_the_real_sets() -> None:
    root = Path(os.environ["LOFIVPR_REAL_DATA"])
    streets = Places.open(root / "streets")
    assert (len(streets), len(streets.split("test").queries), len(streets.split("train").database)) == (
        3780,
        424,
        1560,
    )
    assert set(np.unique(streets.column("zone").astype(str))) == {"31U"} and streets.has_positions
    # Each panorama's four views are one group.
    assert np.bincount(streets.groups()).tolist() == [4] * 945
    assert streets.open_image(0).shape == (360, 480, 3)
    tower = Places.open(root / "tower" / "places.csv")
    assert (len(tower), len(tower.split("test").queries), tower.has_positions) == (1752, 134, False)
