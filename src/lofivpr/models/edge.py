"""A model folder for the edge: config.json and model.onnx, in float32 or int8, and a card; no torch, no weights beside.

The float32 file describes as the model does and keeps its digest. The int8 file describes a little otherwise: its
digest is its own, and its card says how far it is from the float32 file.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lofivpr.files import atomic_path, digest
from lofivpr.models.card import write_card
from lofivpr.models.config import ModelConfig, ModelError, model_digest
from lofivpr.models.export import export_onnx, write_config, write_metadata
from lofivpr.models.folder import CONFIG_FILE, ONNX_FILE
from lofivpr.models.onnx_model import open_session, read_metadata
from lofivpr.models.quantize import quantize
from lofivpr.models.verify_onnx import Feed, feeds
from lofivpr.quality import Quality

if TYPE_CHECKING:
    from lofivpr.models.place_model import PlaceModel

Target = Literal["onnx", "int8"]
CHECKED = 16
"""Real pictures that an export is compared on; int8 is calibrated on others."""
CALIBRATION = 32
"""Fewest pictures to calibrate on."""
LEAST_COSINE = 0.5
"""An int8 file is refused below this mean cosine with float32: its answers would be another model's."""


def export_edge(
    model: PlaceModel,
    out: str | Path,
    to: Target = "onnx",
    pictures: Sequence[np.ndarray] = (),
    qualities: Sequence[Quality | None] | None = None,
) -> ModelConfig:
    """Write a folder that `OnnxModel` and `load_describer` open and that ONNX Runtime alone can use.

    Args:
        out: the folder; one that was there is replaced.
        to: "onnx" (float32), or "int8" (post-training quantization of the backbone's convolutions).
        pictures: real ones, uint8 H x W x 3 of any size, and the `qualities` that they went through. The first 16
            are what the file is compared on; int8 takes its ranges from the others.

    Returns:
        The configuration, with its digest, that was written.

    Raises:
        ModelError: an export that differs too much, too few pictures for int8; nothing is written then.
    """
    if to == "int8" and len(pictures) < CHECKED + CALIBRATION:
        raise ModelError(
            f"expected at least {CHECKED + CALIBRATION} pictures to calibrate int8 with, found {len(pictures)}. "
            "Name a data set that has them."
        )
    config = model.config.replace(exported=to, digest=model.digest)
    with atomic_path(out) as folder:
        folder.mkdir()
        path = folder / ONNX_FILE
        export_onnx(model, path, pictures[:CHECKED], None if qualities is None else qualities[:CHECKED])
        facts: dict[str, Any] = read_metadata(open_session(path))
        if to == "int8":
            config, of_int8 = _to_int8(model, path, config, list(feeds(model, pictures, qualities)), facts)
            # The file's own error is what follows; these two are of the float32 file that it was made from.
            of_float32 = {f"float32 {name}": facts.pop(name) for name in ("error", "compared")}
            facts |= {"digest": config.digest, **of_float32, **of_int8}
        write_config(config, folder / CONFIG_FILE)
        write_card(folder, config, {**model.card, "export": facts})
    return config


def _to_int8(
    model: PlaceModel, path: Path, config: ModelConfig, given: Sequence[Feed], noted: dict[str, str]
) -> tuple[ModelConfig, dict[str, Any]]:
    """Replace the float32 file at `path`, of which this was `noted`, by its int8 counterpart."""
    checked, calibration = given[:CHECKED], given[CHECKED:]
    wanted = _describe(path, checked)
    quantize(path, path, calibration)
    found = _describe(path, checked)
    cosines = (wanted * found).sum(axis=1)
    if not cosines.mean() >= LEAST_COSINE:
        raise ModelError(
            f"expected an int8 {model.name} near its float32 file, found a mean cosine of {cosines.mean():.2f} between "
            "their descriptors. Nothing was written; export to onnx, or calibrate with more pictures."
        )
    own = config.replace(digest=model_digest(config, digest(path.read_bytes())))
    facts = {
        "float32 digest": model.digest,
        "greatest difference from float32": float(f"{np.abs(wanted - found).max():.3g}"),
        "cosine with float32, mean": round(float(cosines.mean()), 4),
        "cosine with float32, least": round(float(cosines.min()), 4),
        "calibrated on": f"{len(calibration)} pictures, digest {_digest(calibration)}",
    }
    write_metadata(path, noted | {"digest": str(own.digest), "int8": json.dumps(facts)})
    return own, facts


def _describe(path: Path, given: Sequence[Feed]) -> np.ndarray:
    session = open_session(path)
    return np.concatenate([session.run(["descriptor"], one)[0] for one in given])


def _digest(given: Sequence[Feed]) -> str:
    return digest(*(array.tobytes() for one in given for array in one.values()))
