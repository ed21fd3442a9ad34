"""What a model is, in one JSON file; and the error of this room."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from lofivpr.errors import LofiError
from lofivpr.files import digest
from lofivpr.models.preprocessing import Preprocessing

FORMAT_VERSION = 1
_NOT_IN_DIGEST = {"name", "digest", "weights_source", "weights_licence"}


class ModelError(LofiError):
    """A model that cannot be built, loaded, exported or asked what was asked."""


class ModelConfig(BaseModel):
    """Architecture and preprocessing of a place model: with the weights, all that decides a descriptor.

    `size` is (width, height) in pixels. `whitening` is the number of dimensions after PCA whitening, or
    None. `quality_aware`: every normalisation has a scale and a shift that depend on the picture's quality.
    `exported`: of a folder for the edge, whose model.onnx is all there is; "int8" describes a little otherwise.
    `digest` is that of the configuration and the weights together (see `model_digest`).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int = FORMAT_VERSION
    name: str = Field(min_length=1)
    backbone: str
    aggregator: str
    aggregator_options: dict[str, int | float | str | bool] = Field(default_factory=dict)
    size: tuple[int, int] = (320, 240)
    scale: float = Field(default=1 / 255, gt=0)
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "linear-or-area"
    whitening: int | None = Field(default=None, ge=1)
    quality_aware: bool = False
    weights_source: str = ""
    weights_licence: str = ""
    exported: Literal["onnx", "int8"] | None = None
    digest: str | None = None

    @field_validator("version")
    @classmethod
    def _known_version(cls, value: int) -> int:
        if value != FORMAT_VERSION:
            raise ValueError(f"expected {FORMAT_VERSION}, found {value}; use the lofivpr that wrote it")
        return value

    @property
    def clusters(self) -> int | None:
        """Clusters of a NetVLAD aggregator, else None."""
        value = self.aggregator_options.get("clusters")
        return None if value is None else int(value)

    @property
    def preprocessing(self) -> Preprocessing:
        """The preprocessing that this configuration states."""
        return Preprocessing(
            size=self.size, mean=self.mean, std=self.std, scale=self.scale, interpolation=self.interpolation
        )

    def replace(self, **changes: Any) -> ModelConfig:
        """A checked copy with some fields changed. Raises ModelError."""
        return checked_config({**self.model_dump(), **changes}, "the model's configuration")

    def digest_text(self) -> str:
        """Canonical text of every field that decides a descriptor (the name does not)."""
        values = self.model_dump(mode="json", exclude=_NOT_IN_DIGEST)
        if not self.quality_aware:  # younger than version 1: models without it keep the digest they had
            del values["quality_aware"]
        if self.exported != "int8":
            del values["exported"]
        return json.dumps(values, sort_keys=True)


def checked_config(values: dict[str, Any], where: str | Path) -> ModelConfig:
    """Validate a configuration; a mistake becomes one line that names the field. Raises ModelError."""
    try:
        return ModelConfig.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the whole"
        message = re.sub(r"^Value error, ", "", first["msg"])
        raise ModelError(
            f"{where}: expected a model configuration, found a fault in {field}: {message}. "
            "Correct the field or save the model again."
        ) from None


def model_digest(config: ModelConfig, weights_digest: str) -> str:
    """Digest of a model: its configuration and its weights (16 hex digits)."""
    return digest("lofivpr-model", config.digest_text(), weights_digest)
