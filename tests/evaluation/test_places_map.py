from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lofivpr.errors import LofiError
from lofivpr.evaluation.places_map import places_map, save_places_map
from lofivpr.places import Places


def street(**columns: list) -> Places:
    count = len(next(iter(columns.values())))
    return Places.from_table("data", pa.table({"image": [f"{i}.jpg" for i in range(count)]} | columns))


def drawn(places: Places) -> list[dict[str, np.ndarray]]:
    """The points of every panel by label."""
    figure = places_map(places)
    panels = [axes for axes in figure.axes if axes.get_title(loc="left")]
    return [{dots.get_label(): np.asarray(dots.get_offsets()) for dots in axes.collections} for axes in panels]


def test_every_picture_is_a_point_of_its_split_and_role() -> None:
    places = street(
        easting=[0.0, 10.0, 20.0, 30.0],
        northing=[0.0, 1.0, 2.0, 3.0],
        split=["train", "train", "test", "test"],
        role=["database", "query", "database", "database"],
    )
    train, test = drawn(places)
    assert train["database"].tolist() == [[0, 0]] and train["queries"].tolist() == [[10, 1]]
    assert test["database"].tolist() == [[20, 2], [30, 3]] and len(test["queries"]) == 0


def test_metres_on_earth_and_degrees_across_continents() -> None:
    near = street(lat=[48.0, 48.001], lon=[11.0, 11.0])
    (panel,) = drawn(near)
    assert np.linalg.norm(np.diff(panel["database"], axis=0)) == pytest.approx(111.2, abs=0.1)
    far = street(lat=[48.0, -27.5], lon=[11.0, 153.0])
    (panel,) = drawn(far)
    assert panel["database"].tolist() == [[11.0, 48.0], [153.0, -27.5]]


def test_pictures_without_a_position_are_left_out(tmp_path: Path) -> None:
    places = street(lat=[48.0, None], lon=[11.0, None])
    assert len(drawn(places)[0]["database"]) == 1
    with pytest.raises(LofiError, match="expected positions to draw"):
        places_map(places.select([1]))


def test_the_ending_chooses_the_kind(tmp_path: Path) -> None:
    places = street(easting=[0.0, 10.0], northing=[0.0, 1.0])
    assert save_places_map(places, tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    assert b"<svg" in save_places_map(places, tmp_path / "map.svg").read_bytes()
    with pytest.raises(LofiError, match="ends in .png or .svg, found .*map.jpg"):
        save_places_map(places, tmp_path / "map.jpg")
