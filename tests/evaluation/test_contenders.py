from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lofivpr.errors import LofiError
from lofivpr.evaluation import contenders as module
from lofivpr.evaluation.contenders import Contender, contenders, database_contender

Maker = Callable[..., Any]


@pytest.fixture
def folders(tmp_path: Path, pixels: Maker, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folders teacher/ and student/ that load as describers; the student's card names its teacher."""
    kinds = {"teacher": pixels("t", noise=0.3), "student": pixels("s", noise=0.1), "other": pixels("o", noise=0.7)}
    for name in kinds:
        (tmp_path / name).mkdir()
    card = {"teacher": {"digest": kinds["teacher"].digest, "path": str(tmp_path / "teacher")}}
    (tmp_path / "student" / "card.json").write_text(json.dumps(card))
    monkeypatch.setattr(module, "load_describer", lambda folder, runtime: replace(kinds[Path(folder).name], by=runtime))
    return tmp_path


def write_card(folders: Path, **teacher: str) -> None:
    (folders / "student" / "card.json").write_text(json.dumps({"teacher": teacher}))


def test_folders_give_their_names_made_unique(folders: Path) -> None:
    paths = [folders / "teacher", folders / "student", str(folders / "teacher"), folders / "teacher"]
    assert [c.name for c in contenders(paths)] == ["teacher", "student", "teacher-2", "teacher-3"]


def test_the_runtime_is_that_of_every_model_that_is_loaded(folders: Path) -> None:
    (student,) = contenders([folders / "student"], "torch")
    teacher = database_contender(student, [student], None, "torch")
    assert [one.describer.by for one in (student, teacher)] == ["torch", "torch"]  # type: ignore[attr-defined]
    assert contenders([folders / "student"])[0].describer.by == "auto"  # type: ignore[attr-defined]


def test_another_precision_is_part_of_the_name(pixels: Maker) -> None:
    plain, rough = pixels("t"), pixels("t", precision="bfloat16")
    found = contenders([plain, rough])
    assert [one.name for one in found] == ["t", "t (bfloat16)"]
    assert database_contender(found[0], found, found[1]) is found[1]


def test_the_teacher_is_loaded_from_its_last_path(folders: Path) -> None:
    (student,) = contenders([folders / "student"])
    found = database_contender(student, [student], None)
    assert found.name == "teacher" and found.describer.name == "t"


def test_a_relative_path_is_tried_from_the_student(folders: Path, pixels: Maker) -> None:
    write_card(folders, digest=pixels("t", noise=0.3).digest, path="../teacher")
    (student,) = contenders([folders / "student"])
    assert database_contender(student, [student], None).name == "teacher"


def test_an_evaluated_model_with_the_digest_is_the_teacher_wherever_it_lies(folders: Path, pixels: Maker) -> None:
    write_card(folders, digest=pixels("t", noise=0.3).digest, path="/gone")
    teacher, student = contenders([folders / "teacher", folders / "student"])
    assert database_contender(student, [teacher, student], None) is teacher


def test_a_named_model_goes_first_and_a_model_without_teacher_is_its_own(folders: Path) -> None:
    student, teacher, other = contenders([folders / n for n in ("student", "teacher", "other")])
    assert database_contender(student, [student], other) is other
    assert database_contender(teacher, [teacher], None) is teacher


def test_a_gone_teacher_is_a_clear_error(folders: Path) -> None:
    write_card(folders, digest="0" * 16, path="/gone")
    (student,) = contenders([folders / "student"])
    with pytest.raises(LofiError, match=r"teacher of 'student' at /gone.*no such folder.*--database-model"):
        database_contender(student, [student], None)


def test_another_model_in_the_teachers_folder_is_refused(folders: Path) -> None:
    write_card(folders, digest="0" * 16, path=str(folders / "teacher"))
    (student,) = contenders([folders / "student"])
    with pytest.raises(LofiError, match="another model"):
        database_contender(student, [student], None)


def test_a_broken_card_is_a_clear_error(folders: Path) -> None:
    (folders / "student" / "card.json").write_text("{")
    (student,) = contenders([folders / "student"])
    with pytest.raises(LofiError, match="expected JSON"):
        database_contender(student, [student], None)


def test_a_card_on_the_describer_counts_too(pixels: Maker) -> None:
    teacher = pixels("t", noise=0.3)
    student = pixels("s", card={"teacher": {"digest": teacher.digest, "path": "gone"}})
    entries = [Contender("s", student), Contender("t", teacher)]
    assert database_contender(entries[0], entries, None).name == "t"
