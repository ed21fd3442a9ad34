"""The calibration as a value: JSON, models, and which threshold a quality meets."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.maps.asked import Asked
from lofivpr.maps.calibrate import Terms, calibration_of
from lofivpr.maps.calibration import Calibration
from lofivpr.maps.evidence import SeenQuality, evidence

CHANNELS = ("raw", "240p/jpeg:10", "240p/jpeg:2")
Ask = Callable[..., Asked]


@pytest.fixture(scope="module")
def calibration(ask_street: Ask) -> Calibration:
    return calibration_of(
        [ask_street(quality) for quality in CHANNELS], Terms(candidates=12), "student", "teacher", {"a": 1}
    )


def test_json_gives_it_back(calibration: Calibration, tmp_path: Path) -> None:
    calibration.write(tmp_path / "calibration.json")
    again = Calibration.read(tmp_path / "calibration.json")
    assert again == calibration and again.digest == calibration.digest
    assert [point["quality"] for point in json.loads((tmp_path / "calibration.json").read_text())["curve"]] == [
        *CHANNELS
    ]
    assert replace(calibration, model="other").digest != calibration.digest
    assert Calibration.read(tmp_path / "nothing.json") is None


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"features": ["similarity"]},
        {"logistic": {}},
        {"thresholds": []},
        {"curve": [{"a": 1}]},
        {"guarantee": "none"},
    ],
)
def test_a_damaged_one_is_refused_in_words(calibration: Calibration, change: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(LofiError, match="expected a calibration .* again"):
        Calibration.from_dict(calibration.to_dict() | change)
    missing = {name: value for name, value in calibration.to_dict().items() if name not in change}
    with pytest.raises(LofiError, match="expected a calibration .* again"):
        Calibration.from_dict(missing)
    (tmp_path / "calibration.json").write_text("{")
    with pytest.raises(LofiError, match="expected a calibration .* again"):
        Calibration.read(tmp_path / "calibration.json")


def test_it_belongs_to_two_models(calibration: Calibration) -> None:
    calibration.check_models("student", "teacher")
    for models in (("teacher", "teacher"), ("student", "student")):
        with pytest.raises(LofiError, match="queries student, map teacher"):
            calibration.check_models(*models)


def test_no_position_no_probability(calibration: Calibration, ask_street: Ask) -> None:
    one = ask_street("raw", n=3)
    nowhere = replace(one.found, points=np.full((3, 3), np.nan))
    assert calibration.probability(one.similarity, one.points, nowhere, one.seen).tolist() == [0, 0, 0]
    expected = calibration.logistic.probability(evidence(one.similarity, one.points, one.found, one.seen, 25.0))
    assert calibration.probability(one.similarity, one.points, one.found, one.seen).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("seen", "nearest"),
    [
        (SeenQuality(), "raw"),
        (SeenQuality("png", 480, 9.0), "raw"),
        (SeenQuality("jpeg", 480, 5.0), "raw"),  # a camera's own
        (SeenQuality("jpeg", 240, 0.3), "240p/jpeg:10"),
        (SeenQuality("jpeg", 240, 0.02), "240p/jpeg:2"),
        (SeenQuality("h264", 240, 0.12), "240p/jpeg:2"),
    ],
)
def test_each_quality_meets_the_threshold_of_the_one_like_it(
    calibration: Calibration, seen: SeenQuality, nearest: str
) -> None:
    assert calibration.threshold(seen).quality == "mix"
    assert replace(calibration, guarantee="each").threshold(seen).quality == nearest
