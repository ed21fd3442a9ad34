"""`serve` on what a demo has made, as its own process; what it answers is tested in tests/serving."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from lofivpr.cli import demo as room
from lofivpr.places import Places


@pytest.fixture
def demo_folder(places: Path, teacher: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What a demo leaves behind, in the folder that it takes, below a new working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(room, "MAP_QUALITIES", ["raw", "60p/jpeg:10"])
    for source, name in ((places, "town"), (teacher, "teacher"), (teacher, "student")):
        shutil.copytree(source, room.OUT / name)
    room._make_map(Places.open(room.OUT / "town"), room.OUT / "teacher", room.OUT / "student")
    return room.OUT


def test_a_demo_is_served_with_pictures_and_samples(demo_folder: Path, tmp_path: Path) -> None:
    for arguments, opens in (([str(demo_folder)], False), (["--demo"], True)):
        told, opened = served(arguments, tmp_path)
        assert told["models"] and told["pictures"] and told["samples"] == 8 and told["metres"]
        assert opened == opens, "a browser is opened for --demo alone"


def test_a_map_is_calibrated_anew_only_for_another_student(demo_folder: Path, other: Path) -> None:
    calibration = room.parts_of(demo_folder)[0] / "calibration.json"
    town, parts = Places.open(demo_folder / "town"), (demo_folder / "teacher", demo_folder / "student")
    before = calibration.stat().st_mtime_ns
    room._make_map(town, *parts)
    assert calibration.stat().st_mtime_ns == before
    calibration.unlink()
    assert not room.is_demo(demo_folder), "it goes on where it stopped"
    room._make_map(town, *parts)
    assert room.is_demo(demo_folder)


def served(arguments: list[str], folder: Path) -> tuple[dict[str, Any], bool]:
    """What the page of `lofivpr serve ARGUMENTS` can show, and whether this machine's browser was sent there."""
    browser = folder / "browser"
    browser.write_text('#!/bin/sh\necho "$1" > "$0.opened"\n')
    browser.chmod(0o755)
    command = [sys.executable, "-c", "from lofivpr.cli import main; main()", "serve", *arguments, "--port", "0"]
    environment = {**os.environ, "BROWSER": f"{browser} %s"}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert process.stderr is not None
            events = (json.loads(line) for line in process.stderr)
            url = next(event["url"] for event in events if event["event"] == "listening")
            with httpx.Client(transport=httpx.HTTPTransport(retries=5), timeout=60) as client:
                told = client.get(f"{url}/v1/explorer").json()
                assert client.get(url).headers["content-type"].startswith("text/html")
        finally:
            process.terminate()
    opened = folder / "browser.opened"
    return told, opened.is_file() and opened.read_text().strip() == url


def test_serve_takes_a_map_or_the_demo(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "expected a MAP or --demo, found neither" in refused("serve")
    assert "expected a MAP or --demo, found both" in refused("serve", tmp_path, "--demo")
