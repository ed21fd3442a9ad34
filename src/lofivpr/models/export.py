"""Write a model folder, with an ONNX file that was checked against torch."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lofivpr.files import atomic_path
from lofivpr.models.card import write_card
from lofivpr.models.condition import CONDITION_SIZE
from lofivpr.models.config import ModelConfig, ModelError, model_digest
from lofivpr.models.folder import CONFIG_FILE, METADATA_PREFIX, ONNX_FILE, WEIGHTS_FILE, weights_digest
from lofivpr.models.onnx_model import open_session, read_metadata
from lofivpr.models.verify_onnx import RANDOM_PICTURES, feeds, greatest_error, random_feed
from lofivpr.quality import Quality

if TYPE_CHECKING:
    from lofivpr.models.place_model import PlaceModel

TOLERANCE = 1e-4
OPSET = 18
TOLD_BY_CARD = ("input", "opset", "preprocessing")


class UnsupportedLayerError(ModelError):
    """A network with a layer that ONNX lacks."""


def save_model(
    model: PlaceModel,
    folder: str | Path,
    card: dict[str, Any] | None = None,
    onnx: bool = True,
    beside: Mapping[str, str] | None = None,
) -> str:
    """Write config.json, model.safetensors, card.json, README.md and, if asked, model.onnx.

    The folder appears whole or not at all; one that was there is replaced.

    Args:
        card: what is known of how the model was made.
        beside: texts of further files by their names, such as the recipe.

    Returns:
        The model's digest, which config.json states too.

    Raises:
        ModelError: the ONNX file differs from torch. LofiError: the folder cannot be written.

    Warns:
        UserWarning: a layer that ONNX lacks. There is no model.onnx then, and the card says why.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    weights = model.weights()
    digest = model_digest(model.config, weights_digest(weights))
    config = model.config.replace(digest=digest)
    with atomic_path(folder) as temporary:
        temporary.mkdir()
        try:
            save_file(weights, temporary / WEIGHTS_FILE)
        except SafetensorError as fault:  # no OSError, also when the disk is full
            reason = str(fault).rpartition(": ")[2]
            raise ModelError(
                f"expected to write the model folder {folder}, found: {reason}. Free space or choose another folder."
            ) from fault
        write_config(config, temporary / CONFIG_FILE)
        facts: dict[str, Any] = {"features": model.features_facts}
        if onnx:
            facts["onnx"] = _export_or_why_not(model, temporary / ONNX_FILE)
        write_card(temporary, config, {**(card or {}), **facts})
        for name, text in (beside or {}).items():
            (temporary / name).write_text(text, encoding="utf-8")
    return digest


def _export_or_why_not(model: PlaceModel, path: Path) -> dict[str, Any]:
    """What the card says of model.onnx. A layer that ONNX lacks must not cost the weights, which took long to make."""
    try:
        error = export_onnx(model, path)
    except UnsupportedLayerError as reason:
        warnings.warn(f"{model.name} is saved without {ONNX_FILE}, torch has to describe: {reason}", stacklevel=3)
        return {"none, because": str(reason)}
    noted = read_metadata(open_session(path))
    return {"greatest difference from torch": float(f"{error:.3g}"), **{name: noted[name] for name in TOLD_BY_CARD}}


def export_onnx(
    model: PlaceModel,
    path: str | Path,
    pictures: Sequence[np.ndarray] = (),
    qualities: Sequence[Quality | None] | None = None,
) -> float:
    """Write the model as ONNX, after comparing it with torch on random and on given pictures.

    Inputs `images` (N x 3 x H x W float32, any N; any H and W that are multiples of the stride, or the model's own
    where the network or ONNX leaves no other) and, of a quality-aware model, `quality` (N x CONDITION_SIZE); outputs
    `descriptor` (N x D) and `features` (N x C x h x w). The file's metadata hold digest, name, preprocessing (JSON),
    input, opset, the error and what it was compared on.

    Args:
        pictures: real ones, uint8 H x W x 3 of any size, and the `qualities` that they went through.

    Returns:
        The greatest absolute error of a descriptor's entry, at most 1e-4; features count relative to their greatest.

    Raises:
        ModelError: a greater error, or (UnsupportedLayerError) a layer that ONNX lacks; nothing is written then.
    """
    with atomic_path(path) as temporary:
        any_size = _export_at_any_size(model, temporary)
        if not any_size:
            _export(model, temporary)
        error = greatest_error(model, temporary, [random_feed(model), *feeds(model, pictures, qualities)])
        if not error <= TOLERANCE:
            raise ModelError(
                f"expected the ONNX file of {model.name} to differ from torch by at most {TOLERANCE}, "
                f"found {error:.2g}. Nothing was written; save with onnx=False, and report it."
            )
        width, height = model.preprocessing.size
        sizes = f"H x W float32, any N, H and W multiples of {model.backbone.stride}"
        facts = {
            "digest": model.digest,
            "name": model.name,
            "error": f"{error:.3g}",
            "compared": f"torch on {RANDOM_PICTURES} random and {len(pictures)} real pictures",
            "input": f"images: N x 3 x {sizes if any_size else f'{height} x {width} float32, any N'}",
            "opset": str(OPSET),
            "preprocessing": json.dumps(asdict(model.preprocessing)),
        }
        write_metadata(temporary, facts)
    return error


def _export_at_any_size(model: PlaceModel, path: Path) -> bool:
    """Write a file that takes pictures of any size, if it describes those of another size as torch does."""
    width, height = model.preprocessing.size
    stride = model.backbone.stride
    other = random_feed(model, (width + 2 * stride, height + stride))
    try:
        _export(model, path, any_size=True)
        return greatest_error(model, path, [other]) <= TOLERANCE
    except Exception:  # of torch, its exporter or ONNX Runtime: the network is made for one size, in one of many ways
        return False


def _export(model: PlaceModel, path: Path, any_size: bool = False) -> None:
    import torch

    width, height = model.preprocessing.size
    device = next(model.parameters()).device
    example = [torch.zeros(2, 3, height, width, device=device)]
    if model.affines:
        example.append(torch.zeros(2, CONDITION_SIZE, device=device))
    inputs = ["images", "quality"][: len(example)]
    mode = model.training
    model.eval()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                model,
                tuple(example),
                str(path),
                input_names=inputs,
                output_names=["descriptor", "features"],
                opset_version=OPSET,
                dynamo=False,
                dynamic_axes={
                    "images": {0: "n"} | ({2: "height", 3: "width"} if any_size else {}),
                    "features": {0: "n"} | ({2: "rows", 3: "columns"} if any_size else {}),
                    **{name: {0: "n"} for name in (*inputs[1:], "descriptor")},
                },
            )
    except Exception as error:  # torch's exporter raises many kinds, all about the network
        raise UnsupportedLayerError(f"expected layers that ONNX has, found: {error}") from error
    finally:
        model.train(mode)


def write_metadata(path: Path, values: dict[str, str]) -> None:
    """Put what was noted of an ONNX file into it, in place of what was there under the same keys."""
    import onnx

    proto = onnx.load(str(path))
    noted = {entry.key: entry.value for entry in proto.metadata_props}
    onnx.helper.set_model_props(proto, noted | {METADATA_PREFIX + key: value for key, value in values.items()})
    path.write_bytes(proto.SerializeToString())


def write_config(config: ModelConfig, path: Path) -> None:
    """Write config.json."""
    text = json.dumps(config.model_dump(mode="json"), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
