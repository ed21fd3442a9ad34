"""Pictures, places and a map in a bucket, from the command line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lofivpr.maps import Map
from lofivpr.serving import create_app
from s3 import Bucket

Done = Callable[..., str]


@pytest.fixture
def town(
    done: Done, bucket: Bucket, places: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> str:
    """The URL of a map of pictures at URLs."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    streets = bucket.put(places, "streets")
    out = tmp_path / "town.map"
    assert "8 places in" in done("map", "build", streets, "--model", teacher, "--out", out, "--split", "test")
    assert Map.open(out).places.images[0] == f"{streets}/test-00-database.png"
    return bucket.put(out, "town.map")


def test_a_map_in_a_bucket_answers(done: Done, refused: Done, town: str, teacher: Path) -> None:
    query = "s3://town/streets/test-03-query.png"
    told = done("map", "locate", town, query, "--model", teacher, "--places", 1)
    assert told.split()[-1] == "s3://town/streets/test-03-database.png"
    assert "every file is as it was written" in done("map", "check", town)
    assert "8" in done("map", "info", town)
    assert "--model" in refused("map", "locate", town, query), "the model's folder is not known here"
    assert "found s3://town/town.map" in refused("map", "remove", town, query)
    calibrate = ("map", "calibrate", town, "--places", "s3://town/streets", "--model", teacher, "--quality", "raw")
    assert "found s3://town/town.map" in refused(*calibrate)
    assert "found s3://town/other" in refused(
        "map", "build", "s3://town/streets", "--model", teacher, "--out", "s3://town/other"
    )


def test_it_is_served(town: str, teacher: Path) -> None:
    app = create_app(Path(town), teacher)
    assert len(app.state.service.takeover.engine.map) == 8


def test_what_is_not_there_is_a_message(refused: Done, bucket: Bucket, teacher: Path) -> None:
    assert "expected a map at s3://town/none" in refused("map", "info", "s3://town/none")
    assert "expected to read s3://town/none/places.csv" in refused(
        "describe", "--model", teacher, "--places", "s3://town/none", "--out", "store"
    )
