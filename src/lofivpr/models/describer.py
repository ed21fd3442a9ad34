"""The one thing everything downstream knows of a model: it describes pictures."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Protocol, get_args, runtime_checkable

import numpy as np

from lofivpr.models.config import ModelError
from lofivpr.models.folder import ONNX_FILE, read_config
from lofivpr.models.hub import find_folder
from lofivpr.models.preprocessing import Preprocessing

Runtime = Literal["auto", "onnx", "torch", "gpu"]


@runtime_checkable
class Describer(Protocol):
    """Pictures to descriptors of places; fulfilled by `PlaceModel`, `OnnxModel` and `GpuModel`."""

    preprocessing: Preprocessing
    descriptor_size: int

    @property
    def name(self) -> str:
        """A name for people."""

    @property
    def digest(self) -> str:
        """Names the configuration and the weights together: equal digests, equal descriptors in one precision."""

    def describe(self, images: Sequence[np.ndarray], quality: Sequence[Any] | None = None) -> np.ndarray:
        """uint8 H x W x 3 RGB pictures to float32 N x descriptor_size, each row of unit length."""


def precision_of(describer: Describer) -> str:
    """What a describer's network computes in: "float32" unless it says otherwise."""
    return getattr(describer, "precision", "float32")


def identity_of(describer: Describer) -> str:
    """What decides the numbers that a describer gives: its digest, and its precision where that is not float32."""
    return in_precision(describer.digest, precision_of(describer))


def in_precision(model: str, precision: str) -> str:
    """A model's digest or name, and the precision that it is computed in where that is not float32."""
    return model if precision == "float32" else f"{model} in {precision}"


def load_describer(folder: str | Path, runtime: str = "auto", threads: int | None = None) -> Describer:
    """Open a model folder for describing.

    Args:
        folder: a model folder, or the name of one on the hub: `org/name`.
        runtime: "onnx", "torch", or "auto": ONNX where there is a model.onnx, else torch, both on CPUs. A model.onnx
            that this ONNX Runtime cannot take leaves it to torch, if that is installed, with a warning that says why.
            "gpu": torch on a GPU, in bfloat16, see `GpuModel`; never chosen by itself, since its numbers are others.
        threads: of ONNX Runtime, each for a picture of its own; None = one for each core this process may use.

    Raises:
        ModelError: a missing or damaged file, or a runtime that is not installed.
    """
    if runtime not in get_args(Runtime):
        raise ModelError(f"expected a runtime of {', '.join(get_args(Runtime))}, found {runtime!r}.")
    folder = find_folder(folder)
    read_config(folder)
    has_onnx = (Path(folder) / ONNX_FILE).is_file()
    if runtime == "onnx" or (runtime == "auto" and (has_onnx or not _has_torch())):
        from lofivpr.models.onnx_model import OnnxModel, UnsupportedModelError

        try:
            return OnnxModel.load(folder, threads=threads)
        except UnsupportedModelError as refusal:
            if runtime == "onnx" or not _has_torch():
                raise
            warnings.warn(f"{refusal} Until then torch describes, more slowly.", stacklevel=2)
    if not _has_torch():
        raise ModelError("expected torch to be installed, found none. Run \"pip install 'lofivpr[train]'\".")
    if runtime == "gpu":
        from lofivpr.models.gpu_model import GpuModel

        return GpuModel.load(folder)
    from lofivpr.models.place_model import PlaceModel

    return PlaceModel.load(folder)


def _has_torch() -> bool:
    try:
        return importlib.util.find_spec("torch") is not None
    except (ImportError, ValueError):
        return False
