"""`lofivpr map calibrate` and `lofivpr map honesty` as a user runs them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from lofivpr.cli.calibrate import promise
from lofivpr.maps import Map
from lofivpr.maps.abstain import Threshold

Done = Callable[..., str]
AT = ("--quality", "raw", "--quality", "24p/jpeg:10")


@pytest.fixture
def built(places: Path, teacher: Path, tmp_path: Path, done: Done) -> Path:
    out = tmp_path / "map"
    done("map", "build", places, "--split", "test", "--model", teacher, "--out", out)
    return out


def test_calibrate_writes_into_the_map_and_honesty_reads_it(
    built: Path, places: Path, teacher: Path, tmp_path: Path, done: Done
) -> None:
    terms = ("--within", 15, "--wrong-at-most", 40, "--confidence", 70)
    said = done("map", "calibrate", built, "--places", places, *terms, *AT, "--cache", tmp_path / "cache")
    assert "24p/jpeg:10" in said and "at most 40 % of the answers wrong" in said
    found = Map.open(built).calibration
    assert found is not None and found.within_m == 15 and found.thresholds[0].confidence == 0.7
    assert found.made_from["splits"] == ["train"] and found.curve[1].n_bytes
    assert "raw, 24p/jpeg:10" in done("map", "info", built)
    out = tmp_path / "honesty.json"
    table = done("map", "honesty", built, "--places", places, *AT, "--elsewhere", "train", "--out", out)
    assert [line.split("|")[1].strip() for line in table.splitlines()[2:]] == ["`raw`", "`24p/jpeg:10`", "`mix`"]
    rows = json.loads(out.read_text())["rows"]
    assert rows[0]["queries"] == 8 and rows[0]["answered_elsewhere"] is not None
    assert out.with_suffix(".png").read_bytes().startswith(b"\x89PNG")


def test_mistakes_are_told(
    built: Path, places: Path, other: Path, teacher: Path, tmp_path: Path, refused: Callable[..., str]
) -> None:
    assert "expected a calibrated map" in refused("map", "honesty", built, "--places", places)
    assert "expected the model that made the map" in refused(
        "map", "calibrate", built, "--places", places, "--model", other
    )
    assert "between 0 and 1" in refused("map", "calibrate", built, "--places", places, "--wrong-at-most", 0)
    assert "expected a split" in refused("map", "calibrate", built, "--places", places, "--split", "none")
    assert "a quality such as" in refused("map", "calibrate", built, "--places", places, "--quality", "jpeg:900")
    assert not (built / "calibration.json").exists()


@pytest.mark.parametrize(
    "command", [("calibrate", "--places"), ("add",), ("remove",), ("merge",)], ids=lambda words: words[0]
)
def test_a_map_at_a_url_is_not_changed_and_not_fetched_for_it(
    command: tuple[str, ...], tmp_path: Path, refused: Callable[..., str]
) -> None:
    name, *option = command
    told = refused("map", name, "https://127.0.0.1:9/a.map", *option, tmp_path)  # nobody listens there
    assert "expected a map of this machine to change, found https://127.0.0.1:9/a.map" in told


def test_a_map_whose_model_is_gone_wants_it_named(
    places: Path, teacher: Path, tmp_path: Path, done: Done, refused: Callable[..., str]
) -> None:
    model = shutil.copytree(teacher, tmp_path / "model")
    done("map", "build", places, "--split", "test", "--model", model, "--out", tmp_path / "map")
    shutil.rmtree(model)
    refused("map", "calibrate", tmp_path / "map", "--places", places)
    done("map", "calibrate", tmp_path / "map", "--places", places, "--model", teacher, *AT)


def test_a_promise_that_cannot_be_made_says_what_it_takes() -> None:
    said = promise(Threshold(0.05, 0.9, None, 30, 0, 0, 1.0))
    assert "At least 45 answers" in said and "30 were asked" in said and "leave-panorama-out" in said
    kept = promise(Threshold(0.05, 0.9, 0.8, 90, 60, 1, 0.07, "240p/jpeg:5"))
    assert "at 240p/jpeg:5" in kept and "1 of 60" in kept and "0.800" in kept
