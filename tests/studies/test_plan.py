"""The plan of a study, before and after."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import lofivpr.studies.plan as room
from lofivpr.places import Places
from lofivpr.studies import Study
from lofivpr.studies.workshop import Workshop

Make = Callable[..., Study]


def test_a_plan_counts_trainings_and_evaluations(asked: Places, make_study: Make, tmp_path: Path) -> None:
    study = make_study(train_at=["60p", "40p"], tests=[{"positives": ["25m", "12m"]}, {"name": "again"}])
    plan = room.plan_of(study, Workshop(study, asked, tmp_path))
    models = 1 + 2 * 2 + 2
    assert len(plan.models) == models and all(model.state == "to do" for model in plan.models)
    assert plan.headline == f"{models} trainings; {models * 4 * 2 + models * 4} evaluations"
    lines = plan.lines()
    assert lines[0] == plan.headline and "  evaluate on again: 7 models x 4 qualities x 1 rule of positives" in lines
    assert any("mse + ickd at 40p, 1 epoch of 2 steps" in line for line in lines)
    assert any("initialisation alone" in line for line in lines)


def test_what_is_there_and_what_was_begun_is_told(asked: Places, make_study: Make, tmp_path: Path) -> None:
    study = make_study()
    (tmp_path / "teacher").mkdir()
    (tmp_path / "mse.run").mkdir()
    (tmp_path / "mse.run" / "checkpoint.pt").touch()
    plan = room.plan_of(study, Workshop(study, asked, tmp_path))
    assert [model.state for model in plan.models] == ["done", "begun", "to do", "to do", "to do"]
    assert plan.headline == "4 trainings (1 of them begun), 1 already there; 40 evaluations"
