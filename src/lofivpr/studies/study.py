"""A study: an experiment of the paper as one value and one YAML file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lofivpr.errors import LofiError
from lofivpr.places import Positives, Protocol
from lofivpr.places.protocol import GENERAL
from lofivpr.quality import Quality
from lofivpr.training import SETTINGS
from lofivpr.training.catalogue import Catalogue

ALL_QUALITIES, NO_TEACHER, RAML = "all-qualities", "no-teacher", "raml"
SETTING_NAMES = (*SETTINGS, RAML, ALL_QUALITIES, NO_TEACHER)
TEACHER = "teacher"


class StudyError(LofiError):
    """A study that is not there, does not make sense, or does not fit what its folder holds."""


class Part(BaseModel):
    """A part of a study: frozen, and unknown keys are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Town(Part):
    """A generated town in the place of photographs."""

    pictures: int = Field(default=720, ge=32)
    size: tuple[int, int] = (480, 360)
    seed: int = 0


class Pictures(Part):
    """Where pictures are: a folder of any convention, or a town that is generated into the study's folder.

    redraw: `panoramas`, the splits drawn anew at random as in version 1 of the paper (discouraged).
    get: what is told where there is no such folder: what to get, and how it must lie.
    """

    places: str | None = None
    town: Town | None = None
    split: str | None = None
    redraw: Literal["panoramas"] | None = None
    get: str = ""

    @model_validator(mode="after")
    def _one_source(self) -> Pictures:
        if self.places is not None and self.town is not None:
            raise ValueError("places and town exclude each other")
        return self


class Trial(Pictures):
    """What the models are tested on; without places and town of its own, those of the training.

    positives: a panel of Figure 4 each, the first for all other figures; empty where the protocol fixes them.
    verify: `inliers>20`: each rule also with what is found counted only if so many local features match.
    database_quality: `raw`, or `same` for the symmetric protocol of version 2 of the paper.
    """

    name: str = Field(default="test", pattern=r"[\w.-]+")
    split: str | None = "test"
    protocol: str = "roles"
    positives: tuple[str, ...] = ("25m",)
    without_positives: Literal["miss", "drop"] = "miss"
    verify: str | None = None
    database_quality: str = "raw"

    @field_validator("positives")
    @classmethod
    def _positives_parse(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(Positives.parse(value)) for value in values)

    @model_validator(mode="after")
    def _positives_fit(self) -> Trial:
        if (self.protocol in GENERAL) != bool(self.positives):
            rule = "needs positives" if self.protocol in GENERAL else "fixes its positives: write positives: []"
            raise ValueError(f"the protocol {self.protocol} {rule}")
        Protocol(verify=self.verify)
        return self


class Training(Part):
    """A training recipe by name or file, and what is set in it, as `--set` of `lofivpr train` does."""

    recipe: str
    set: dict[str, Any] = Field(default_factory=dict)


class Published(Part):
    """A published file of weights, and its name in `lofivpr models list`."""

    file: str
    name: str


class Teacher(Part):
    """The model that the others imitate: `model`, a folder; or `published` weights; or else trained here.

    backbone, aggregator, size, weights: as of `lofivpr train`; of the control too.
    """

    model: str | None = None
    published: Published | None = None
    backbone: str = "efficientnet_lite0"
    aggregator: str = "netvlad"
    size: tuple[int, int] | None = None
    weights: str | None = None
    training: Training = Training(recipe="teacher")


class Budget(Part):
    """What a study may take: caps on every training, and how many queries are drawn; None = all."""

    epochs: int | None = Field(default=None, ge=0)
    steps_per_epoch: int | None = Field(default=None, ge=1)
    queries: int | None = Field(default=None, ge=1)


class Heat(Part):
    """Where models look, measured on `queries` pictures at one quality; without one, the first of `train_at`."""

    quality: str = ""
    queries: int = Field(default=40, ge=1)
    kinds: tuple[Literal["feature-norm", "residual-energy"], ...] = ("feature-norm", "residual-energy")


class Study(Part):
    """Teacher, settings, a ladder of qualities, and what they are tested on.

    train_at: each loss setting is trained once at each of these, one quality a run.
    losses, all_qualities, no_teacher: how they are trained; the last two, where nothing else is set, at the ladder.
    frame_rate: frames a second, at which bytes of single pictures become kB/s.
    published: curves of a publication that Figure 4 draws beside its own, by name.
    """

    name: str = Field(pattern=r"[\w.-]+")
    train: Pictures = Pictures(split="train")
    tests: tuple[Trial, ...] = Field(default=(Trial(),), min_length=1)
    teacher: Teacher = Teacher()
    settings: tuple[str, ...] = SETTING_NAMES
    train_at: tuple[str, ...] = Field(min_length=1)
    losses: Training = Training(recipe="paper")
    all_qualities: Training = Training(recipe="all-qualities")
    no_teacher: Training = Training(recipe="no-teacher")
    qualities: tuple[str, ...] = Field(min_length=1)
    frame_rate: float = Field(default=1.0, gt=0)
    budget: Budget = Budget()
    heat: Heat = Heat()
    published: str | None = None
    seed: int = 0

    @field_validator("qualities", "train_at")
    @classmethod
    def _qualities_parse(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(str(Quality.parse(value)) for value in values))

    @field_validator("settings")
    @classmethod
    def _settings_known(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if unknown := [value for value in values if value not in SETTING_NAMES]:
            raise ValueError(f"expected settings out of {', '.join(SETTING_NAMES)}, found {', '.join(unknown)}")
        return tuple(dict.fromkeys(values))

    @model_validator(mode="after")
    def _fits(self) -> Study:
        if Quality.parse(self.heat_at.quality).is_stream:
            raise ValueError("heat is of single pictures: give heat.quality without a frame rate")
        names = [trial.name for trial in self.tests]
        if len(set(names)) < len(names):
            raise ValueError("each of tests needs a name of its own")
        if self.budget.queries and any(Quality.parse(text).is_stream for text in self.qualities):
            raise ValueError("a stream needs all its frames: leave budget.queries out, or the frame rates")
        return self

    @property
    def heat_at(self) -> Heat:
        """`heat` with its quality."""
        return self.heat.model_copy(update={"quality": self.heat.quality or self.train_at[0]})

    @property
    def stills(self) -> list[str]:
        """The ladder without frame rates, as training sees it: a picture at a time."""
        return list(dict.fromkeys(str(replace(Quality.parse(text), fps=None)) for text in self.qualities))

    def to_yaml(self) -> str:
        """The study as YAML, which `Study.load` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json", exclude_defaults=True), sort_keys=False)

    def on(self, places: str | Path) -> Study:
        """This study on other pictures: of the training, and of every test that names none of its own."""
        train = self.train.model_copy(update={"places": str(places), "town": None, "get": ""})
        return self.model_copy(update={"train": train})

    @classmethod
    def load(cls, name: str | Path) -> Study:
        """A study by name (`study_names`) or from a YAML file.

        Raises:
            StudyError: there is none, or a key or value that a study does not have.
        """
        return STUDIES.load(name)


STUDIES = Catalogue(Study, "study", StudyError, "lofivpr.studies")


def study_names() -> list[str]:
    """The studies that come with the package."""
    return STUDIES.names()
