"""A recipe: everything that decides the weights of a run, as one value and one YAML file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from lofivpr.errors import LofiError
from lofivpr.files import digest
from lofivpr.places import Positives
from lofivpr.quality import Quality, QualityRange
from lofivpr.training.catalogue import Catalogue

LossName = Literal["mse", "ickd", "triplet", "raml", "contextual", "multi_similarity"]

# Every non-empty subset of {MSE, ICKD, triplet}; the paper numbers 1 = MSE, 3 = triplet, 4 = MSE + ICKD.
SETTINGS: dict[str, tuple[LossName, ...]] = {
    "mse": ("mse",),
    "ickd": ("ickd",),
    "triplet": ("triplet",),
    "mse+ickd": ("mse", "ickd"),
    "mse+triplet": ("mse", "triplet"),
    "ickd+triplet": ("ickd", "triplet"),
    "mse+ickd+triplet": ("mse", "ickd", "triplet"),
}


class RecipeError(LofiError):
    """A recipe that is not there or does not make sense."""


class Recipe(BaseModel):
    """What a training run does. Frozen; its digest names the run.

    `qualities` are points or ranges (`240p/h265:qp30..48`). Each picture has `draws` of them, fixed by the seed, and
    shows the next one each time it is its turn; `views` of them stand in a batch side by side (batches of pictures
    only), so that `batch_size` rows are `batch_size / views` pictures. With a `validation_fraction` of 0 every
    picture trains and the last weights stay: for a recipe whose settings were chosen before.

    `distances` of descriptors are measured as they are, or by how far apart the teacher's are, see `losses.spread`: the
    squared distance of `mse` is divided by it, the `temperature` multiplied. One weight then suits every aggregator.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    losses: dict[LossName, float] = Field(min_length=1)
    mode: Literal["mean", "paper"] = "mean"
    qualities: tuple[str, ...] = Field(min_length=1)
    draws: int = Field(8, ge=1)
    views: int = Field(1, ge=1)
    batch: Literal["pictures", "tuples", "places"] = "pictures"
    batch_size: int = Field(24, ge=1)
    per_place: int = Field(4, ge=2)
    negatives: int = Field(5, ge=1)
    positives: str = "25m"
    similarity_alpha: float = Field(2.0, gt=0)
    similarity_base: float = Field(0.5, gt=-1, lt=1)
    negative_radius_m: float = Field(30.0, gt=0)
    epochs: int = Field(1, ge=0)
    steps_per_epoch: int | None = Field(None, ge=1)
    optimizer: Literal["adam", "adamw"] = "adamw"
    learning_rate: float = Field(2e-4, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    schedule: Literal["one-cycle", "exponential", "constant"] = "one-cycle"
    decay: float = Field(0.99999, gt=0, le=1)
    clip_norm: float = Field(1.0, gt=0)
    trainable_stages: Annotated[int, Field(ge=0)] | Literal["all"] = 2
    quality_aware: bool = False
    bank: int = Field(2048, ge=2)
    temperature: float = Field(0.05, gt=0)
    distances: Literal["absolute", "spread"] = "absolute"
    validation_fraction: float = Field(0.15, ge=0, lt=0.5)
    validation_gap_m: float = Field(50.0, ge=0)
    seed: int = 0

    @field_validator("qualities")
    @classmethod
    def _qualities_parse(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(str(QualityRange.parse(value)) for value in values)

    @field_validator("positives")
    @classmethod
    def _positives_parse(cls, value: str) -> str:
        return str(Positives.parse(value))

    @model_validator(mode="after")
    def _distances_fit(self) -> Recipe:
        if self.distances == "spread" and self.mode == "paper":
            raise ValueError("distances=spread needs mode=mean: the paper's losses are what they are")
        return self

    @model_validator(mode="after")
    def _views_fit(self) -> Recipe:
        if self.views > 1 and self.batch != "pictures":
            raise ValueError(f"views={self.views} needs batch=pictures")
        if self.batch_size % self.views or self.draws % self.views:
            raise ValueError(f"batch_size and draws must be multiples of views={self.views}")
        return self

    @property
    def ladder(self) -> tuple[QualityRange, ...]:
        """The qualities, read; a point is the range of one."""
        return tuple(QualityRange.parse(text) for text in self.qualities)

    @property
    def rungs(self) -> list[Quality]:
        """One quality for each entry of the ladder, that validation asks at: of a range its hardest end, since
        at the others every epoch is nearly as good as the next."""
        return [_hardest(entry) for entry in self.ladder]

    @property
    def digest(self) -> str:
        """Digest of every field: two runs of one digest on one machine give the same weights."""
        # Younger fields: runs without them keep the digest they had.
        usual = {"similarity_alpha", "distances"} - set(self.model_dump(exclude_defaults=True))
        return digest(self.model_dump_json(exclude=usual))

    @property
    def pictures_per_item(self) -> int:
        """Rows that one item of a batch brings: a tuple is a query, a positive and the negatives."""
        return {"pictures": self.views, "tuples": 2 + self.negatives, "places": self.per_place}[self.batch]

    def to_yaml(self) -> str:
        """The recipe as YAML, which `Recipe.load` reads back."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)

    def with_settings(self, settings: list[str]) -> Recipe:
        """A copy with `key=value` overrides, values in YAML; `losses=mse+ickd` takes a setting by name.

        Raises:
            RecipeError: a key that a recipe does not have, or a value that does not fit.
        """
        values = self.model_dump()
        for setting in settings:
            key, separator, text = setting.partition("=")
            if not separator:
                raise RecipeError(f"expected key=value, found {setting!r}: write for instance epochs=3.")
            values[key] = _losses(text, self.losses) if key == "losses" else RECIPES.parsed(text, setting)
        return RECIPES.validated(values, source="the settings")

    @classmethod
    def load(cls, name: str | Path) -> Recipe:
        """A recipe by name, one of `recipe_names()`, or from a YAML file.

        Raises:
            RecipeError: there is none, or a key or value that a recipe does not have.
        """
        return RECIPES.load(name)


RECIPES = Catalogue(Recipe, "recipe", RecipeError, "lofivpr.training")


def _hardest(entry: QualityRange) -> Quality:
    """The lowest height at the setting of the fewest bytes: low in a quality and a bitrate, high in a quantizer."""
    coarsest = entry.high.value if entry.low.mode in ("qp", "crf") else entry.low.value
    return replace(entry.low, value=coarsest)


def recipe_names() -> list[str]:
    """The recipes that come with the package."""
    return RECIPES.names()


def _losses(text: str, known: dict[LossName, float]) -> Any:
    """`mse+ickd` with the recipe's weights (1 where it has none), or a YAML mapping with its own."""
    if text.lstrip().startswith("{"):
        return RECIPES.parsed(text, f"losses={text}")
    weights: dict[str, float] = {str(name): weight for name, weight in known.items()}
    return {name: weights.get(name, 1.0) for name in text.split("+")}
