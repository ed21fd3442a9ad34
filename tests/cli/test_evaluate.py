"""`evaluate`: what it writes, in the shape that stays, and what its options mean."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.models import load_describer
from lofivpr.places import Places

Done = Callable[..., str]
NS = ["1", "2", "5", "10", "15", "20", "25"]


def _rows(folder: Path) -> list[dict[str, Any]]:
    return json.loads((folder / "results.json").read_text())["rows"]


@pytest.fixture
def evaluate(done: Done, places: Path, tmp_path: Path) -> Callable[..., list[dict[str, Any]]]:
    """Evaluate on the test split into tmp_path/out and return the rows."""

    def go(*arguments: object) -> list[dict[str, Any]]:
        done("evaluate", "--places", places, "--split", "test", "--out", tmp_path / "out", *arguments)
        return _rows(tmp_path / "out")

    return go


def test_the_shape_of_the_results(done: Done, places: Path, teacher: Path, other: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    printed = done(
        "evaluate", "--model", teacher, "--model", other, "--quality", "48p/jpeg:5", "--quality", "raw",
        "--quality", "24p", "--places", places, "--split", "test", "--positives", "10m", "--out", out,
    )  # fmt: skip
    rows = _rows(out)
    assert [(row["model"], row["quality"]) for row in rows] == [
        (model, quality) for model in ("teacher", "teacher-2") for quality in ("48p/jpeg:5", "raw", "24p")
    ], "in the order of the options, names made unique"
    for row in rows:
        assert list(row) == [
            "model", "quality", "protocol", "queries", "queries_without_positives", "database",
            "bytes_per_query", "recall", "interval", "stream", "unverified",
        ]  # fmt: skip
        assert (row["queries"], row["queries_without_positives"]) == (8, 0)
        assert row["database"] == {"images": 8, "model": row["model"], "quality": "raw"}
        assert (row["bytes_per_query"] is None) == (row["quality"] != "48p/jpeg:5")
        assert list(row["recall"]) == list(row["interval"]) == NS
        for n in NS:
            low, high = row["interval"][n]
            assert 0 <= low <= row["recall"][n] <= high <= 100
        assert "positives 10m" in row["protocol"] and f"queries at {row['quality']}" in row["protocol"]
    assert rows[1]["recall"]["1"] == 100, "two sharp pictures of one spot are alike"
    for name in ("results.csv", "report.html", "plots"):
        assert (out / name).exists()
    assert f"report: {out / 'report.html'}" in printed and "teacher-2" in printed and "100.0 [100.0" in printed


def test_recall_is_that_of_an_obvious_search(evaluate: Any, places: Path, teacher: Path) -> None:
    (row,) = evaluate("--model", teacher, "--positives", "25m")
    data, model = Places.open(places).split("test"), load_describer(teacher)
    sides = [[side.open_image(i) for i in range(len(side))] for side in (data.queries, data.database)]
    queries, database = (model.describe(images) for images in sides)
    order = np.argsort(((queries[:, None] - database[None]) ** 2).sum(-1), axis=1)
    far = np.abs(20.0 * (np.arange(8)[:, None] - order))  # spots are 20 m apart, queries 2 m beside them
    for n in (1, 2, 5):
        assert row["recall"][str(n)] == 100 * np.mean((np.hypot(far, 2)[:, :n] <= 25).any(axis=1))
    assert row["quality"] == "raw", "the quality that is meant when none is named"


def test_radius_is_short_for_positives(evaluate: Any, teacher: Path) -> None:
    (row,) = evaluate("--model", teacher, "--radius", "2.5")
    assert "positives 2.5m" in row["protocol"]
    (row,) = evaluate("--model", teacher)
    assert "positives 25m" in row["protocol"]


def test_queries_without_positives_are_misses_or_dropped(
    done: Done, own_places: Path, teacher: Path, tmp_path: Path
) -> None:
    table = own_places / "places.csv"
    table.write_text(table.read_text().replace("test-00-query.png,2000,2", "test-00-query.png,9000,2"))
    rows = []
    for how in ("miss", "drop"):
        done("evaluate", "--model", teacher, "--places", own_places, "--split", "test", "--radius", 10,
             "--without-positives", how, "--out", tmp_path / how)  # fmt: skip
        rows += _rows(tmp_path / how)
    assert [(row["queries"], row["queries_without_positives"]) for row in rows] == [(8, 1), (8, 1)]
    assert [row["recall"]["25"] for row in rows] == [87.5, 100.0]


def test_leave_panorama_out_asks_every_picture(evaluate: Any, teacher: Path) -> None:
    (row,) = evaluate("--model", teacher, "--protocol", "leave-panorama-out")
    assert (row["queries"], row["database"]["images"]) == (16, 16)


def test_the_database_is_described_by_the_teacher_or_whom_is_named(
    evaluate: Any, teacher: Path, other: Path, tmp_path: Path
) -> None:
    student = tmp_path / "student"
    _student_of(teacher, other, student)
    assert [row["database"]["model"] for row in evaluate("--model", student)] == ["teacher"]
    rows = evaluate("--model", student, "--model", teacher, "--quality", "raw", "--quality", "24p")
    assert [row["database"]["model"] for row in rows] == ["teacher"] * 4
    (row,) = evaluate("--model", student, "--database-model", student)
    assert row["database"]["model"] == "student"
    rows = evaluate("--model", student, "--quality", "24p", "--database-quality", "same")
    assert rows[0]["database"] == {"images": 8, "model": "student", "quality": "24p"}


def _student_of(teacher: Path, weights: Path, folder: Path) -> None:
    """A model folder with the weights of one model that names another as its teacher."""
    from lofivpr.models import PlaceModel

    card = {"teacher": {"digest": load_describer(teacher).digest, "path": str(teacher)}}
    PlaceModel.load(weights).save(folder, card=card)


def test_a_student_whose_teacher_is_gone(
    refused: Callable[..., str], places: Path, teacher: Path, other: Path, tmp_path: Path
) -> None:
    student = tmp_path / "student"
    _student_of(teacher, other, student)
    card = json.loads((student / "card.json").read_text())
    (student / "card.json").write_text(json.dumps(card | {"teacher": card["teacher"] | {"path": "/gone/teacher"}}))
    command = ("evaluate", "--model", student, "--places", places, "--split", "test", "--out", tmp_path / "out")
    message = refused(*command)
    assert "/gone/teacher" in message and "--database-model" in message
    (student / "card.json").write_text(json.dumps(card | {"teacher": card["teacher"] | {"path": str(other)}}))
    assert "another model" in refused(*command)


def test_skip_bad_lists_what_was_skipped(done: Done, own_places: Path, teacher: Path, tmp_path: Path) -> None:
    for name in ("test-03-query.png", "test-05-database.png"):
        (own_places / name).write_bytes(b"no picture")
    printed = done(
        "evaluate", "--model", teacher, "--quality", "raw", "--quality", "24p", "--places", own_places,
        "--split", "test", "--skip-bad", "--out", tmp_path / "out",
    )  # fmt: skip
    assert printed.count("skipped test-03-query.png: ") == printed.count("skipped test-05-database.png: ") == 1
    for row in _rows(tmp_path / "out"):
        assert (row["queries"], row["database"]["images"]) == (7, 7)
    found = json.loads((tmp_path / "out" / "results.json").read_text())["skipped"]
    assert {picture["image"] for picture in found} == {"test-03-query.png", "test-05-database.png"}


def test_a_folder_name_is_no_markup(done: Done, places: Path, teacher: Path, tmp_path: Path) -> None:
    folder, out = tmp_path / "[red]student[v2]", tmp_path / "[bold]out"
    shutil.copytree(teacher, folder)
    printed = done("evaluate", "--model", folder, "--places", places, "--split", "test", "--out", out)
    assert "[red]student[v2]" in printed and str(out / "report.html") in printed


def test_a_report_without_photographs(evaluate: Any, teacher: Path, other: Path, tmp_path: Path) -> None:
    """Every picture inside the page is a drawing."""
    kinds = []
    for choice in ("--pictures", "--no-pictures"):
        evaluate("--model", teacher, "--model", other, "--quality", "raw", "--quality", "48p/jpeg:5", choice)
        html = (tmp_path / "out" / "report.html").read_text()
        kinds.append({part.partition(";")[0] for part in html.split("data:image/")[1:]})
    assert "jpeg" in kinds[0] and kinds[1] == {"svg+xml"}
