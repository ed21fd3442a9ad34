"""`lofivpr demo`: the main job from end to end on a generated town."""

from __future__ import annotations

from pathlib import Path

import typer
from rich.console import Console

import lofivpr
from lofivpr.cli.evaluate import print_results
from lofivpr.places import Places
from lofivpr.places.town import generate_town

OUT = Path("out/demo")
PICTURES = 720
QUALITIES = ["raw", "120p", "60p", "240p/jpeg:10", "240p/jpeg:5", "240p/h264:qp44", "120p/h264:qp40"]
TEACHER = ["epochs=2"]
# Few pictures: the demo's own short ladder makes the most of the minutes.
STUDENT = ["epochs=6", f"qualities=[{', '.join(repr(quality) for quality in QUALITIES)}]"]


def demo() -> None:
    """A town, a teacher, a student, and the report of what the student wins, in out/demo."""
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
    typer.echo(f"report: {report}")


def _say(step: int, what: str) -> None:
    Console().print(f"[bold]{step}/4[/] {what}", highlight=False)
