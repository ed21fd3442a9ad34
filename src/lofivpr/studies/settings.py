"""The settings of a study: what each model is called, and the recipe that trains it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from lofivpr.studies.study import ALL_QUALITIES, NO_TEACHER, TEACHER, Budget, Study, Training
from lofivpr.training import Recipe

AT = "-at-"
"""Between setting and quality in the name of a model."""


@dataclass(frozen=True)
class Setting:
    """One model of a study. `taught`: it imitates the teacher; `at`: the one quality it is trained at, if one."""

    name: str
    recipe: Recipe
    taught: bool
    at: str | None = None


def teacher_setting(study: Study) -> Setting:
    """The teacher, where it is trained here."""
    return Setting(TEACHER, _recipe(study.teacher.training, study), taught=False)


def settings_of(study: Study) -> list[Setting]:
    """Every model but the teacher, in the order of `study.settings`, then of `study.train_at`.

    Raises:
        RecipeError: a recipe that is not there, or a key or value that it does not have.
    """
    found = []
    for name in study.settings:
        if name in (ALL_QUALITIES, NO_TEACHER):
            training = study.all_qualities if name == ALL_QUALITIES else study.no_teacher
            found.append(Setting(name, _recipe(training, study, qualities=study.stills), taught=name == ALL_QUALITIES))
            continue
        for quality in study.train_at:
            recipe = _recipe(study.losses, study, qualities=[quality]).with_settings([f"losses={name}"])
            several = len(study.train_at) > 1
            found.append(Setting(_named(name, quality, several), recipe, taught=True, at=quality))
    return found


def budgeted(recipe: Recipe, budget: Budget) -> Recipe:
    """The recipe with its epochs and their steps capped."""
    if recipe.epochs == 0:  # the initialisation alone: nothing to cap
        return recipe
    caps: dict[str, int | None] = {"epochs": budget.epochs, "steps_per_epoch": budget.steps_per_epoch}
    update = {key: min(cap, getattr(recipe, key) or cap) for key, cap in caps.items() if cap is not None}
    return recipe.model_copy(update=update)


def _recipe(training: Training, study: Study, **unless_set: Any) -> Recipe:
    """Its recipe with the study's seed and `unless_set`, over these what it sets itself; within the study's budget."""
    values = {"seed": study.seed, **unless_set, **training.set}
    recipe = Recipe.load(training.recipe).with_settings([f"{key}={_text(value)}" for key, value in values.items()])
    return budgeted(recipe, study.budget)


def _text(value: Any) -> str:
    """A value as `key=value` takes it: YAML in one line, which JSON is."""
    return value if isinstance(value, str) else json.dumps(value)


def _named(setting: str, quality: str, several: bool) -> str:
    """Name of the model's folder; `mse-at-240p-jpeg-5` where a setting is trained at several qualities."""
    return f"{setting}{AT}{re.sub('[^0-9A-Za-z.]+', '-', quality)}" if several else setting


def setting_of(model: str) -> str:
    """The setting that a model's folder is named after."""
    return model.partition(AT)[0]
