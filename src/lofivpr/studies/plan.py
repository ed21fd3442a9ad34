"""What a study is going to do, counted before it begins."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from lofivpr.studies.settings import Setting, teacher_setting
from lofivpr.studies.study import Study
from lofivpr.studies.workshop import State, Workshop


@dataclass(frozen=True)
class ModelPlan:
    """One model: its name, how far it is, and what its training is or was."""

    name: str
    state: State
    note: str


@dataclass(frozen=True)
class Plan:
    """Models to train and tests to evaluate them on.

    tests: name -> how many models x qualities x rules of positives are counted there.
    """

    models: tuple[ModelPlan, ...]
    tests: dict[str, tuple[int, int, int]]

    @property
    def headline(self) -> str:
        """How much there is to do."""
        states = Counter(model.state for model in self.models)
        waiting = states["to do"] + states["begun"]
        begun = f" ({states['begun']} of them begun)" if states["begun"] else ""
        ready = f", {states['done']} already there" if states["done"] else ""
        evaluations = sum(models * qualities * rules for models, qualities, rules in self.tests.values())
        return f"{_count(waiting, 'training')}{begun}{ready}; {_count(evaluations, 'evaluation')}"

    def lines(self) -> list[str]:
        """The plan as text, a line a model and a line a test."""
        width = max(len(model.name) for model in self.models)
        found = [f"  {model.name:<{width}}  {model.state:<5}  {model.note}" for model in self.models]
        for name, (models, qualities, rules) in self.tests.items():
            parts = (_count(models, "model"), _count(qualities, "quality"), _count(rules, "rule"))
            found.append(f"  evaluate on {name}: {' x '.join(parts)} of positives")
        return [self.headline, *found]


def plan_of(study: Study, workshop: Workshop) -> Plan:
    """The plan of a study in a folder that may hold a part of it already."""
    notes = [_teacher_note(study), *(_note(setting) for setting in workshop.settings)]
    rows = zip(workshop.models, workshop.states(), notes, strict=True)
    models = tuple(ModelPlan(folder.name, state, note) for folder, state, note in rows)
    tests = {
        trial.name: (
            len(models),
            len(study.qualities),
            max(1, len(trial.positives)) * (1 if trial.verify is None else 2),
        )
        for trial in study.tests
    }
    return Plan(models, tests)


def _teacher_note(study: Study) -> str:
    if study.teacher.model is not None:
        return f"given: {study.teacher.model}"
    if study.teacher.published is not None:
        return f"imported: {study.teacher.published.name}"
    return _note(teacher_setting(study))


def _note(setting: Setting) -> str:
    recipe = setting.recipe
    steps = f" of {_count(recipe.steps_per_epoch, 'step')}" if recipe.steps_per_epoch else ""
    losses = " + ".join(recipe.losses)
    if recipe.epochs == 0:
        return "initialisation alone"
    qualities = setting.at or (
        recipe.qualities[0] if len(recipe.qualities) == 1 else f"{len(recipe.qualities)} qualities"
    )
    return f"{losses} at {qualities}, {_count(recipe.epochs, 'epoch')}{steps}"


def _count(number: int, noun: str) -> str:
    plural = noun[:-1] + "ies" if noun.endswith("y") else noun + "s"
    return f"{number} {noun if number == 1 else plural}"
