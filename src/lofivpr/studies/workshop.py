"""The models of a study: each trained once, found again, or gone on with where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import ValidationError

from lofivpr.models import read_card, read_config
from lofivpr.models.weights import import_weights, importable_weights
from lofivpr.places import Places
from lofivpr.studies.settings import Setting, settings_of, teacher_setting
from lofivpr.studies.study import TEACHER, Study, StudyError
from lofivpr.training import Recipe

State = Literal["done", "begun", "to do", "given"]
PICTURES = 500  # that the clusters of published weights without any are made of, as in training


class Workshop:
    """Models of one study on its training pictures, in `folder`; the training room keeps its caches there too."""

    def __init__(self, study: Study, places: Places, folder: Path) -> None:
        self.study, self.places, self.folder = study, places, folder
        self.settings = settings_of(study)

    @property
    def teacher(self) -> Path:
        """The teacher's model folder."""
        given = self.study.teacher.model
        return self.folder / TEACHER if given is None else Path(given)

    @property
    def models(self) -> list[Path]:
        """All model folders, the teacher's first."""
        return [self.teacher, *(self.folder / setting.name for setting in self.settings)]

    def states(self) -> list[State]:
        """How far each of `models` is."""
        first: State = _state(self.teacher) if self.study.teacher.model is None else "given"
        return [first, *(_state(folder) for folder in self.models[1:])]

    def make_all(self, tell: Callable[[str], None]) -> list[Path]:
        """Every model that is not there yet; returns all folders, the teacher's first."""
        self._make_teacher(tell)
        for setting in self.settings:
            self._make(setting, tell)
        return self.models

    def _make_teacher(self, tell: Callable[[str], None]) -> None:
        wanted = self.study.teacher
        if wanted.model is not None:
            read_config(wanted.model)
        elif wanted.published is None:
            self._make(teacher_setting(self.study), tell)
        elif not self.teacher.exists():
            tell(f"importing {wanted.published.name}")
            import_weights(wanted.published.file, wanted.published.name, self.teacher, pictures=self._pictures())

    def _pictures(self) -> Any:
        """Pictures for the clusters of a NetVLAD whose published weights have none, else None."""
        published = self.study.teacher.published
        known = None if published is None else importable_weights().get(published.name)
        if known is None or not known.needs_pictures:
            return None
        rows = np.random.default_rng(self.study.seed).permutation(len(self.places))[:PICTURES]
        return (self.places.open_image(int(row)) for row in rows)

    def _make(self, setting: Setting, tell: Callable[[str], None]) -> None:
        out = self.folder / setting.name
        if out.exists():
            self._check(out, setting)
            return
        from lofivpr.training import distill, train  # with torch, which finding models again does without

        tell(f"training {setting.name}")
        if setting.taught:
            distill(self.teacher, self.places, setting.recipe, out)
            return
        backbone, aggregator, size, weights = self._architecture(setting)
        train(self.places, backbone, aggregator, setting.recipe, out, size=size, weights=weights)

    def _architecture(self, setting: Setting) -> tuple[str, str, tuple[int, int] | None, str | None]:
        """Backbone, aggregator, size and first weights: as stated; of the control those of a teacher not made here."""
        stated = self.study.teacher
        if setting.name == TEACHER or (stated.model is None and stated.published is None):
            return stated.backbone, stated.aggregator, stated.size, stated.weights
        config = read_config(self.teacher)
        stored = {key: value for key, value in config.aggregator_options.items() if key != "locations"}
        options = ",".join(
            f"{key}={value if isinstance(value, str) else json.dumps(value)}" for key, value in stored.items()
        )
        aggregator = config.aggregator + (f":{options}" if options else "")
        return config.backbone, aggregator, config.size, stated.weights or str(self.teacher)

    def _check(self, folder: Path, setting: Setting) -> None:
        """Refuse a model that something else made.

        Raises:
            StudyError: another recipe, other pictures or another teacher; it says which.
        """
        card = read_card(folder)
        found: list[Any] = [_recipe_of(card), card.get("training", {}).get("places_digest")]
        wanted: list[Any] = [setting.recipe, self.places.digest]
        if setting.taught:
            found.append(card.get("teacher", {}).get("digest"))
            wanted.append(read_config(self.teacher).digest)
        names = ("recipe", "training pictures", "teacher")
        differ = [name for name, one, other in zip(names, found, wanted, strict=False) if one != other]
        if differ:
            raise StudyError(
                f"expected {folder} to be what this study makes, found a model of another {' and '.join(differ)}: "
                "remove it to train it anew, or choose another --out."
            )


def _state(folder: Path) -> State:
    if folder.exists():
        return "done"
    return "begun" if (folder.with_name(folder.name + ".run") / "checkpoint.pt").is_file() else "to do"


def _recipe_of(card: dict[str, Any]) -> Recipe | None:
    """The recipe of a card, whatever defaults it was written before; None where there is none that makes sense."""
    try:
        return Recipe.model_validate(card.get("recipe"))
    except ValidationError:
        return None
