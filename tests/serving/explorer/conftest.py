"""A small street with queries beside its places, a teacher and a student of it, a calibrated map, and Chromium."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
import torch
from playwright.sync_api import Browser, Page, sync_playwright

from lofivpr.maps import Map
from lofivpr.maps.calibrate import Terms, calibrate
from lofivpr.models import Describer, create_model, load_describer
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.serving import Settings

SPOTS, STEP_M = 24, 40  # places on the map; a query 6 m beside each, and two far from all
QUALITIES = ("raw", "60p/jpeg:10", "60p/jpeg:40", "120p/h264:qp40")
CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
INSECURE = "robot.example"  # a name that browsers do not take for this machine


@dataclass(frozen=True)
class Street:
    """Where everything lies."""

    places: Path
    teacher: Path
    student: Path
    map: Path


@pytest.fixture(scope="session")
def street(tmp_path_factory: pytest.TempPathFactory, make_picture: Any) -> Street:
    root = tmp_path_factory.mktemp("street")
    found = Street(root / "places", root / "teacher", root / "student", root / "street.map")
    places = _write_places(found.places, make_picture)
    model = create_model("tiny", size=(96, 64), clusters=4, seed=3)
    model.save(found.teacher)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(1.02)
    teacher = load_describer(found.teacher, threads=1)
    model.save(found.student, card={"teacher": {"digest": teacher.digest, "path": str(found.teacher)}})
    made = Map.build(teacher, places.database, found.map, model_folder=found.teacher)
    qualities = [Quality.parse(quality) for quality in QUALITIES]
    promise = Terms(wrong_at_most=0.4, confidence=0.6)
    calibrate(student(found), teacher, places, qualities, promise).write(made.calibration_path)
    return found


def student(street: Street) -> Describer:
    return load_describer(street.student, threads=1)


def _write_places(root: Path, make_picture: Any) -> Places:
    root.mkdir()
    rows = [(f"place-{spot:02d}.png", spot, STEP_M * spot, 0, "database") for spot in range(SPOTS)]
    rows += [(f"query-{spot:02d}.png", spot, STEP_M * spot, 6, "query") for spot in range(SPOTS)]
    rows += [(f"far-{number}.png", 90 + number, 0, 5000 + number, "query") for number in range(2)]
    for name, seed, _, y, _ in rows:
        noise = np.random.default_rng([seed, y]).normal(0, 6, (240, 320, 3))
        cv2.imwrite(str(root / name), np.clip(make_picture(seed, (320, 240)) + noise, 0, 255).astype(np.uint8))
    table = {
        "image": [name for name, *_ in rows],
        "lat": [52 + x / 111_320 for _, _, x, _, _ in rows],
        "lon": [13 + y / 68_500 for _, _, _, y, _ in rows],
        "role": [role for *_, role in rows],
    }
    places = Places.from_table(root, pa.table(table))
    places.write(root / "places.csv")
    return places


@pytest.fixture(scope="session")
def serve_street(street: Street, run_service: Callable[..., Any]) -> Callable[..., AbstractContextManager[Any]]:
    """Starts a service of the street's map; options of `Settings`, and `places` and `model`."""

    def start(places: Path | None = street.places, model: Any = street.student, **settings: Any) -> Any:
        describer = load_describer(model, threads=1) if isinstance(model, Path) else model
        return run_service(street.map, describer, Settings(**{"port": 0, **settings}), places=places)

    return start


@pytest.fixture(scope="session")
def explored(serve_street: Callable[..., AbstractContextManager[Any]]) -> Iterator[Any]:
    """One service for all tests that leave it as it is."""
    with serve_street(hostnames=(INSECURE,), host="0.0.0.0", insecure=True) as service:
        yield service


@pytest.fixture(scope="module")  # no longer: while Playwright is there, its event loop runs in this thread
def browser(tmp_path_factory: pytest.TempPathFactory, street: Street) -> Iterator[Browser]:
    """Debian's Chromium, whose camera shows a clip of the street's queries."""
    clip = tmp_path_factory.mktemp("camera") / "clip.mjpeg"
    frames = [cv2.imread(str(street.places / f"query-{spot:02d}.png")) for spot in range(8) for _ in range(5)]
    clip.write_bytes(b"".join(cv2.imencode(".jpg", frame)[1].tobytes() for frame in frames))
    resolver = f"--host-resolver-rules=MAP {INSECURE} 127.0.0.1"
    options = [*CAMERA, f"--use-file-for-fake-video-capture={clip}", resolver]
    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=options)
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """An empty page; at the end no script may have failed, and nothing may have been refused by the page's policy."""
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    made, faults = context.new_page(), []
    made.set_default_timeout(30_000)
    made.on("pageerror", lambda error: faults.append(str(error)))
    made.on("console", lambda message: faults.append(message.text) if "Content Security" in message.text else None)
    yield made
    context.close()
    assert faults == []
