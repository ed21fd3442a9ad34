"""Curves of publications, digitised: data with their source, to be drawn beside a study's own."""

from __future__ import annotations

from importlib import resources

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from lofivpr.studies.study import StudyError
from lofivpr.training.catalogue import names_in


class Curves(BaseModel):
    """One panel: R@1 in percent over kB/s, a line a setting by its name here; None where it could not be read.

    `about`: for a setting the points, from 0, that were read less surely.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kbytes_per_second: tuple[float, ...] = Field(min_length=1)
    recall: dict[str, tuple[float | None, ...]]
    about: dict[str, tuple[int, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _equally_long(self) -> Curves:
        if any(len(line) != len(self.kbytes_per_second) for line in self.recall.values()):
            raise ValueError("each line needs a recall, or null, for each of kbytes_per_second")
        return self

    def points(self, setting: str) -> tuple[list[float], list[float]]:
        """Rates and recalls that could be read of one setting."""
        pairs = zip(self.kbytes_per_second, self.recall[setting], strict=True)
        known = [(rate, recall) for rate, recall in pairs if recall is not None]
        return [rate for rate, _ in known], [recall for _, recall in known]


class PublishedCurves(BaseModel):
    """All panels of a publication's figure, by the height of the query, and where they are from."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    source: str
    positives: str
    panels: dict[str, Curves]

    @classmethod
    def load(cls, name: str) -> PublishedCurves:
        """Curves by name (`published_names`).

        Raises:
            StudyError: there are none of this name.
        """
        if name not in published_names():
            raise StudyError(f"expected published curves out of {', '.join(published_names())}, found {name!r}.")
        file = resources.files("lofivpr.studies") / "published" / f"{name}.yaml"
        return cls.model_validate(yaml.safe_load(file.read_text(encoding="utf-8")))


def published_names() -> list[str]:
    """The curves that come with the package."""
    return names_in("lofivpr.studies", "published")
