from __future__ import annotations

import pyarrow as pa
import pytest

from lofivpr.places.columns import SCHEMA, complete, conform, parse_cell, table_digest
from lofivpr.places.geodesy import PlacesError


def full(**columns: list) -> pa.Table:
    rows = len(next(iter(columns.values())))
    return complete(conform(pa.table({"image": [f"{i}.jpg" for i in range(rows)]} | columns)))


def test_absent_columns_are_null_and_unknown_ones_are_left_out() -> None:
    table = conform(pa.table({"image": ["a.jpg"], "panorama": [7], "floor": ["one"]}))
    assert table.schema.equals(SCHEMA)
    row = table.to_pylist()[0]
    assert {name: value for name, value in row.items() if value is not None} == {
        "image": "a.jpg",
        "panorama": "7",
    }


def test_empty_text_and_nan_are_null() -> None:
    table = full(place=["", "hall"], heading_deg=[float("nan"), 5.0])
    assert table["place"].to_pylist() == [None, "hall"]
    assert table["heading_deg"].to_pylist() == [None, 5.0]


def test_degrees_are_the_truth() -> None:
    row = full(lat=[52.0], lon=[3.0], easting=[1.0], northing=[2.0], zone=["10S"]).to_pylist()[0]
    assert (row["easting"], row["zone"]) == (pytest.approx(500000, abs=1e-6), "31U")
    assert (row["lat"], row["lon"]) == (52.0, 3.0)


def test_utm_with_a_zone_gives_degrees() -> None:
    row = full(easting=[500000.0], northing=[5761038.212887]).to_pylist()[0]
    assert (row["lat"], row["zone"]) == (None, "local")
    row = full(easting=[500000.0], northing=[5761038.212887], zone=["EPSG:32631"]).to_pylist()[0]
    assert (row["lat"], row["lon"], row["zone"]) == (pytest.approx(52.0), pytest.approx(3.0), "31U")
    assert row["easting"] == 500000.0


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"lat": [1.0, None], "lon": [1.0, 2.0]}, "lat and lon together.*1.jpg"),
        ({"easting": [1.0, 2.0], "northing": [1.0, None]}, "easting and northing together.*1.jpg"),
        ({"lat": [1.0, 91.0], "lon": [1.0, 2.0]}, "in degrees, found 91.0, 2.0 for 1.jpg"),
        ({"easting": [1.0, 5e5], "northing": [1.0, 5e6], "zone": [None, "31U"]}, "one frame.*0.jpg.*1.jpg"),
        ({"heading_deg": ["north", "south"]}, "`heading_deg` of type double"),
        ({"role": ["database", "probe"]}, "roles `database` and `query`, found 'probe'"),
        ({"image": ["a.jpg", "a.jpg"]}, "each picture once, found a.jpg in rows 0 and 1"),
        ({"image": ["a.jpg", None]}, "found none in row 1"),
    ],
)
def test_bad_tables_are_refused(columns: dict[str, list], message: str) -> None:
    with pytest.raises(PlacesError, match=message):
        full(**columns)


def test_a_table_without_images_names_what_it_has() -> None:
    with pytest.raises(PlacesError, match="column `image`, found: file, lat"):
        conform(pa.table({"file": ["a.jpg"], "lat": [1.0]}))


def test_headings_are_brought_into_one_turn() -> None:
    assert full(heading_deg=[-90.0, 360.0, 725.0])["heading_deg"].to_pylist() == [270.0, 0.0, 5.0]


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("lat", " 52.5 ", 52.5),
        ("frame", "12", 12),
        ("frame", "12.0", 12),
        ("panorama", "0012", "0012"),
        ("role", "Queries", "query"),
        ("x", "-3", -3.0),
        ("place", "  ", None),
    ],
)
def test_cells(name: str, text: str, value: object) -> None:
    found = parse_cell(name, text)
    assert found == value and type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("lat", "90.1"),
        ("lon", "181"),
        ("lat", "x"),
        ("x", "nan"),
        ("y", "inf"),
        ("frame", "1.5"),
        ("role", "probe"),
    ],
)
def test_bad_cells(name: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"number|degrees|`database`"):
        parse_cell(name, text)


def test_digest_sees_every_column_but_not_the_last_bit() -> None:
    base = {"lat": [52.0, 52.1], "lon": [3.0, 3.1], "heading_deg": [0.0, 90.0], "split": ["train", "test"]}
    digest = table_digest(full(**base))
    assert digest == table_digest(full(**base | {"lat": [52.0 + 1e-13, 52.1]}))
    assert digest == table_digest(full(**base | {"heading_deg": [-0.0, 90.0]}))
    changed: list[dict] = [
        {"lat": [52.0 + 1e-6, 52.1]},
        {"heading_deg": [0.0, 91.0]},
        {"heading_deg": [0.0, None]},
        {"split": ["test", "train"]},
        {"role": ["query", None]},
        {"frame": [0, 1]},
        {"panorama": ["0", "1"]},
    ]
    digests = {table_digest(full(**base | change)) for change in changed}
    assert len(digests | {digest}) == len(changed) + 1


def test_digest_of_local_metres() -> None:
    assert table_digest(full(easting=[0.0], northing=[1.0])) != table_digest(full(easting=[0.0], northing=[2.0]))
