"""A calibrated map whose curve is known, a service of it, and thin links to that."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest

from lofivpr.maps import Map
from lofivpr.maps.calibrate import Terms, calibrate
from lofivpr.maps.calibration import Calibration
from lofivpr.maps.curve import CurvePoint
from lofivpr.models import Describer
from lofivpr.places import Places
from lofivpr.quality import Quality

PLACES = 16
DEGREES = 50 / 111_320
CURVE = {"60p/h264:qp45": (400.0, 0.5), "120p/jpeg:20": (2200.0, 0.8), "120p/jpeg:90": (9000.0, 0.95)}
"""Quality -> bytes and probability, in steps so far apart that no noise of a busy machine mixes them up."""


def view(place: int, step: int = 0) -> np.ndarray:
    """What a camera sees at a place, uint8 120 x 160 x 3; each step moves it by a pixel."""
    coarse = np.random.default_rng(place).integers(0, 256, (12, 16, 3), np.uint8)
    wide = cv2.resize(coarse, (200, 120), interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng([place, step]).normal(0, 6, (120, 160, 3))
    return np.asarray(np.clip(wide[:, 4 + step : 164 + step] + grain, 0, 255), np.uint8)


@pytest.fixture(scope="session")
def see() -> Callable[..., np.ndarray]:
    """See `view`."""
    return view


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """A picture of the database and a query at each place, 50 m apart on a line north."""
    root = tmp_path_factory.mktemp("street")
    rows: dict[str, list[Any]] = {name: [] for name in ("image", "lat", "lon", "panorama", "role")}
    for place in range(PLACES):
        for step, role in enumerate(("database", "query")):
            image = f"{place:02d}-{role}.png"
            cv2.imwrite(str(root / image), view(place, step)[:, :, ::-1])
            for name, value in zip(rows, (image, 52 + place * DEGREES, 13.0, f"p{place}", role), strict=True):
                rows[name].append(value)
    return Places.from_table(root, pa.table(rows))


@pytest.fixture(scope="session")
def calibration(street: Places, describer: Describer) -> Calibration:
    """A real one, but for the numbers of its curve and a threshold that lets all answers through."""
    found = calibrate(describer, describer, street, [Quality.parse(text) for text in CURVE], Terms())
    points = {point.quality: point for point in found.curve}
    curve = [replace(points[text], n_bytes=n, probability=sure) for text, (n, sure) in CURVE.items()]
    always = replace(found.thresholds[0], probability=0.0)
    return replace(found, curve=tuple(curve), thresholds=(always, *found.thresholds[1:]))


@pytest.fixture(scope="session")
def street_map(tmp_path_factory: pytest.TempPathFactory, street: Places, describer: Describer) -> Path:
    """Without a calibration; not to be changed."""
    return Map.build(describer, street.database, tmp_path_factory.mktemp("maps") / "street.map").folder


@pytest.fixture(scope="session")
def calibrated_map(
    tmp_path_factory: pytest.TempPathFactory, street: Places, describer: Describer, calibration: Calibration
) -> Path:
    """Of the same places, and answers everything; not to be changed."""
    town = Map.build(describer, street.database, tmp_path_factory.mktemp("maps") / "calibrated.map")
    calibration.write(town.calibration_path)
    return town.folder


@pytest.fixture(scope="session")
def shy_map(
    tmp_path_factory: pytest.TempPathFactory, street: Places, describer: Describer, calibration: Calibration
) -> Path:
    """It abstains from everything."""
    town = Map.build(describer, street.database, tmp_path_factory.mktemp("maps") / "shy.map")
    never = tuple(replace(one, probability=None) for one in calibration.thresholds)
    replace(calibration, thresholds=never).write(town.calibration_path)
    return town.folder


@pytest.fixture(scope="module")
def answering(calibrated_map: Path, describer: Describer, run_service: Any) -> Iterator[Any]:
    """A service that answers every question."""
    with run_service(calibrated_map, describer) as one:
        yield one


@pytest.fixture(scope="module")
def abstaining(shy_map: Path, describer: Describer, run_service: Any) -> Iterator[Any]:
    """A service that answers none."""
    with run_service(shy_map, describer) as one:
        yield one


@pytest.fixture(scope="session")
def shaped_link() -> Any:
    """The class `benchmarks.shaped_link.ShapedLink`."""
    path = Path(__file__).parents[3] / "benchmarks" / "shaped_link.py"
    spec = importlib.util.spec_from_file_location("shaped_link", path)
    assert spec is not None and spec.loader is not None
    module: ModuleType = importlib.util.module_from_spec(spec)
    sys.modules["shaped_link"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module.ShapedLink


@pytest.fixture
def link(answering: Any, shaped_link: Any) -> Iterator[Any]:
    """A quick link to the service that answers, to be cut."""
    with shaped_link(answering.port, 2e6, delay_s=0.002) as one:
        yield one


@pytest.fixture(scope="session")
def lat_of() -> Callable[[int], float]:
    """Of a place."""
    return lambda place: 52 + place * DEGREES


CurveNumbers = dict[str, tuple[float, float]]


@pytest.fixture(scope="session")
def curve_numbers() -> CurveNumbers:
    """See `CURVE`."""
    return CURVE


@pytest.fixture(scope="session")
def curve_points(calibration: Calibration) -> tuple[CurvePoint, ...]:
    return calibration.curve
