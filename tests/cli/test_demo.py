"""`demo`: all of it, on the smallest town and the smallest model."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

import lofivpr.training
from lofivpr.cli import demo as room
from lofivpr.quality import Quality
from lofivpr.training import Recipe

Done = Callable[..., str]


def test_demo_goes_from_a_town_to_a_report_and_does_nothing_twice(
    done: Done, town: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made: list[Path] = []

    def generate(out: Path, pictures: int) -> None:
        assert pictures == room.PICTURES
        made.append(out)
        shutil.copytree(town, out)

    monkeypatch.setattr(room, "generate_town", generate)
    monkeypatch.setattr(lofivpr.training, "train", partial(lofivpr.training.train, backbone="tiny"))
    monkeypatch.setattr(room, "QUALITIES", ["raw", "60p/jpeg:10"])
    monkeypatch.setattr(room, "TEACHER", ["epochs=0"])
    monkeypatch.setattr(room, "STUDENT", ["epochs=0"])
    out = Path("out/demo")
    printed = done("demo")
    assert str(out / "results" / "report.html") in printed and (out / "results" / "report.html").is_file()
    assert all(word in printed for word in ("teacher", "student", "60p/jpeg:10"))
    rows = json.loads((out / "results" / "results.json").read_text())["rows"]
    assert [(row["model"], row["database"]["model"]) for row in rows] == [("teacher", "teacher")] * 2 + [
        ("student", "teacher")
    ] * 2
    before = {path: path.stat().st_mtime_ns for name in ("teacher", "student") for path in (out / name).iterdir()}
    before |= {path: path.stat().st_mtime_ns for path in (out / "town.map").glob("*.json")}
    assert "3/5" in printed and "3/5" not in done("demo")
    assert {path: path.stat().st_mtime_ns for path in before} == before and made == [out / "town"]
    assert "lofivpr serve out/demo" in printed and room.is_demo(out)


def test_the_last_line_is_the_command_that_was_called(monkeypatch: pytest.MonkeyPatch) -> None:
    here = str(Path.cwd() / ".venv/bin/lofivpr")
    own = ".venv/bin/lofivpr"
    for called, said in ((own, own), (here, own), ("/opt/bin/lofivpr", "/opt/bin/lofivpr"), ("pytest.py", "lofivpr")):
        monkeypatch.setattr("sys.argv", [called, "demo"])
        assert room._own_command() == said


def test_the_demos_own_settings_make_sense() -> None:
    for quality in room.QUALITIES:
        assert str(Quality.parse(quality)) == quality
    assert Recipe.load("teacher").with_settings(room.TEACHER).epochs > 0
    assert Recipe.load("one-student").with_settings(room.STUDENT).qualities == tuple(room.QUALITIES)
