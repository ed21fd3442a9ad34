"""`lofivpr demo`: the main job from end to end on a generated town."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from rich.console import Console

import lofivpr
from lofivpr.cli.evaluate import print_results
from lofivpr.maps import Map
from lofivpr.maps.calibrate import Terms, calibrate
from lofivpr.maps.contents import CALIBRATION
from lofivpr.models import load_describer
from lofivpr.places import Places
from lofivpr.places.town import generate_town
from lofivpr.quality import Quality

OUT = Path("out/demo")
PICTURES = 720
QUALITIES = ["raw", "120p", "60p", "240p/jpeg:10", "240p/jpeg:5", "240p/h264:qp44", "120p/h264:qp40"]
TEACHER = ["epochs=2"]
# Few pictures: the demo's own short ladder makes the most of the minutes.
STUDENT = ["epochs=6", f"qualities=[{', '.join(repr(quality) for quality in QUALITIES)}]"]
# What a visitor of the map is likely to send; and a promise that so few pictures can prove, all of them asked.
MAP_QUALITIES = [quality for quality in QUALITIES if quality == "raw" or "/" in quality]
PROMISE = Terms(wrong_at_most=0.25, confidence=0.8, protocol="leave-panorama-out")


def demo() -> None:
    """A town, a teacher, a student, the report of what the student wins, and a map to serve, in out/demo."""
    train, distill = lofivpr.train, lofivpr.distill  # without torch: says what to install before minutes are spent
    if not (OUT / "town" / "places.csv").is_file():
        _say(1, f"generating a town of {PICTURES} pictures")
        generate_town(OUT / "town", pictures=PICTURES)
    town = Places.open(OUT / "town")
    teacher, student = OUT / "teacher", OUT / "student"
    if not teacher.exists():
        _say(2, "training a teacher on sharp pictures")
        recipe = lofivpr.Recipe.load("teacher").with_settings(TEACHER)
        train(town.split("train"), recipe=recipe, out=teacher)
    if not student.exists():
        _say(3, "distilling a student that sees them degraded")
        recipe = lofivpr.Recipe.load("one-student").with_settings(STUDENT)
        distill(teacher, town.split("train"), recipe=recipe, out=student)
    _say(4, "evaluating both on the other side of the town")
    results = lofivpr.evaluate([teacher, student], town.split("test"), qualities=QUALITIES, out=OUT / "results")
    results.save(OUT / "results")
    report = results.report(OUT / "results" / "report.html")
    print_results(results)
    _say(5, "making a map of it, and finding out how sure its answers are")
    _make_map(town, teacher, student)
    typer.echo(f"report: {report}")
    typer.echo(f"look for yourself: {_own_command()} serve {OUT}")


def _make_map(town: Places, teacher: Path, student: Path) -> None:
    """A map of the other side of the town by the teacher, calibrated for the student on this side."""
    maker, asker = load_describer(teacher), load_describer(student)
    made = Map.build(maker, town.split("test").database, parts_of(OUT)[0], model_folder=teacher)
    if made.calibration is None or made.calibration.model != asker.digest:
        qualities = [Quality.parse(text) for text in MAP_QUALITIES]
        calibrate(asker, maker, town.split("train"), qualities, PROMISE).write(made.calibration_path)


def _own_command() -> str:
    """How this command was called: `make demo` calls one that is not on the PATH."""
    called = Path(sys.argv[0])
    if called.name != "lofivpr":
        return "lofivpr"
    return str(called.relative_to(Path.cwd()) if called.is_relative_to(Path.cwd()) else called)


def parts_of(folder: Path) -> tuple[Path, Path, Path]:
    """Map, student and town of a demo's folder."""
    return folder / "town.map", folder / "student", folder / "town"


def is_demo(folder: Path) -> bool:
    """Does this folder hold what a demo makes, to its end?"""
    return (parts_of(folder)[0] / CALIBRATION).is_file()


def make_demo() -> None:
    """The demo, where it has not been made yet."""
    if not is_demo(OUT):
        demo()


def _say(step: int, what: str) -> None:
    Console().print(f"[bold]{step}/5[/] {what}", highlight=False)
