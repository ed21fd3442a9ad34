"""What was measured stands in the card, with its protocol, once for each protocol."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from lofivpr.errors import LofiError
from lofivpr.evaluation import Results, write_measured
from lofivpr.models import ModelConfig, read_card

Make = Callable[..., Results]


@pytest.fixture
def student(tmp_path: Path) -> Path:
    folder = tmp_path / "student"
    folder.mkdir()
    config = ModelConfig(name="a name", backbone="tiny", aggregator="netvlad", mean=(0.0,) * 3, std=(1.0,) * 3)
    (folder / "config.json").write_text(config.model_dump_json())
    (folder / "card.json").write_text('{"training": {"steps": 3}}')
    return folder


@pytest.fixture
def results(make_results: Make) -> Results:
    """Two of four queries found by the student at jpeg:5, one by its teacher; both find all at raw."""
    ranks = {
        ("teacher", "raw"): [1, 1, 1, 1],
        ("teacher", "jpeg:5"): [1, 2, 2, 2],
        ("student", "raw"): [1, 1, 1, 1],
        ("student", "jpeg:5"): [1, 1, 2, 2],
    }
    return make_results(ranks, {"jpeg:5": 1234.4}, {"student": "teacher"})


def test_a_table_under_its_protocol(student: Path, results: Results) -> None:
    title = write_measured(results, student)
    assert title.startswith("roles v1: positives 25m") and title.endswith("4 queries, 2 database pictures")
    card = read_card(student)
    assert card["training"] == {"steps": 3}, "the rest stays"
    raw, low = card["measured"][title]
    assert raw["quality"] == "raw" and raw["bytes a query"] is None
    assert low["recall@1 in percent [95 %]"].startswith("50.0 [") and low["bytes a query"] == 1234
    assert low["minus teacher"].startswith("+25.0 [")
    readme = (student / "README.md").read_text()
    assert f"## Measured\n\n{title}\n\n| quality | bytes a query |" in readme
    assert "\n| jpeg:5 | 1234 | 50.0 [" in readme and "\n| raw | - | 100.0 [" in readme


def test_the_same_protocol_replaces_and_another_is_added(student: Path, results: Results) -> None:
    first = write_measured(results, student)
    assert write_measured(results, student) == first and len(read_card(student)["measured"]) == 1
    strict = replace(results, protocol=results.protocol | {"positives": "15m"})
    second = write_measured(strict, student)
    assert list(read_card(student)["measured"]) == [first, second]


def test_another_name_is_refused_and_the_card_stays(student: Path, results: Results) -> None:
    other = shutil.copytree(student, student.with_name("pupil"))
    with pytest.raises(LofiError, match="expected results of a model named pupil, found teacher, student"):
        write_measured(results, other)
    assert read_card(other) == {"training": {"steps": 3}}
