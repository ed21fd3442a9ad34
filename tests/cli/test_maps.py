from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lofivpr.maps import Map
from lofivpr.models import PlaceModel
from lofivpr.places import Places

Done = Callable[..., str]


@pytest.fixture
def town(done: Done, places: Path, teacher: Path, tmp_path: Path) -> Path:
    """A map of the test split's database."""
    out = tmp_path / "town.map"
    assert "8 places in" in done("map", "build", places, "--model", teacher, "--out", out, "--split", "test")
    return out


def test_a_map_is_built_changed_and_looked_into(
    done: Done, refused: Done, town: Path, places: Path, teacher: Path, tmp_path: Path
) -> None:
    built = Map.open(town)
    assert built.places.images == Places.open(places).split("test").database.images
    assert built.model_folder == teacher and built.model_digest == PlaceModel.load(teacher).digest
    assert "32 places in" in done("map", "add", town, places, "--split", "train")
    assert "31 places in" in done("map", "remove", town, "test-03-database.png")
    assert "found test-03-database.png" in refused("map", "remove", town, "test-03-database.png")
    assert "every file is as it was written" in done("map", "check", town)
    told = done("map", "info", town)
    assert "31 (1 more removed)" in told and "128 x float16" in told and "in 2 segments" in told
    assert "points of recall@1 within 25 m" in told and "no, see `lofivpr map calibrate`" in told
    done("map", "build", places, "--model", teacher, "--out", tmp_path / "other", "--split", "train")
    assert "places that are not in the map" in refused("map", "merge", town, tmp_path / "other")
    fresh = tmp_path / "fresh"
    done("map", "build", places, "--model", teacher, "--out", fresh, "--split", "test")
    assert "32 places in" in done("map", "merge", fresh, tmp_path / "other")


def test_queries_are_located(done: Done, refused: Done, town: Path, places: Path, other: Path) -> None:
    queries = [places / f"test-0{spot}-query.png" for spot in (3, 5)]
    told = done("map", "locate", town, *queries, "--places", 1)
    assert [line.split()[-1] for line in told.splitlines() if line.startswith("  ")] == [
        "test-03-database.png",
        "test-05-database.png",
    ]
    near = done("map", "locate", town, queries[0], "--near", "2100,0", "--radius", 25, "--heading", 10)
    found = [line.split()[-1] for line in near.splitlines()[1:]]
    assert set(found) == {f"test-0{spot}-database.png" for spot in (4, 5, 6)}
    assert "--near LAT,LON" in refused("map", "locate", town, queries[0], "--near", "here", "--radius", 5)
    assert "near and radius together" in refused("map", "locate", town, queries[0], "--radius", 5)
    assert "or its student" in refused("map", "locate", town, queries[0], "--model", other)


def test_mistakes_are_told(refused: Done, places: Path, teacher: Path, tmp_path: Path) -> None:
    assert "lofivpr map build" in refused("map", "info", tmp_path / "nowhere")
    out = tmp_path / "map"
    assert "pq64 to pq512" in refused("map", "build", places, "--model", teacher, "--out", out, "--dtype", "int4")
    assert "256 places" in refused("map", "build", places, "--model", teacher, "--out", out, "--dtype", "pq64")
