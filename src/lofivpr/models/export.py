"""Write a model folder, with an ONNX file that was checked against torch."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lofivpr.files import atomic_path
from lofivpr.models.card import write_card
from lofivpr.models.condition import CONDITION_SIZE
from lofivpr.models.config import ModelConfig, ModelError, model_digest
from lofivpr.models.folder import CONFIG_FILE, METADATA_PREFIX, ONNX_FILE, WEIGHTS_FILE, weights_digest

if TYPE_CHECKING:
    from lofivpr.models.place_model import PlaceModel

TOLERANCE = 1e-4
OPSET = 18


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
        _write_config(config, temporary / CONFIG_FILE)
        facts: dict[str, Any] = {"features": model.features_facts}
        if onnx:
            error = export_onnx(model, temporary / ONNX_FILE)
            facts["onnx"] = {"greatest difference from torch": float(f"{error:.3g}"), **_onnx_facts(model)}
        write_card(temporary, config, {**(card or {}), **facts})
        for name, text in (beside or {}).items():
            (temporary / name).write_text(text, encoding="utf-8")
    return digest


def export_onnx(model: PlaceModel, path: str | Path) -> float:
    """Write the model as ONNX, after comparing it with torch on random pictures.

    Inputs `images` (N x 3 x H x W float32, any N, the model's H and W) and, of a quality-aware model, `quality`
    (N x CONDITION_SIZE); outputs `descriptor` (N x D) and
    `features` (N x C x h x w). The file's metadata hold the digest, the error and the size.

    Returns:
        The greatest absolute error of a descriptor's entry, at most 1e-4.

    Raises:
        ModelError: a greater error, or a layer that ONNX lacks; nothing is written then.
    """
    with atomic_path(path) as temporary:
        _export(model, temporary)
        error = _greatest_error(model, temporary)
        if not error <= TOLERANCE:
            raise ModelError(
                f"expected the ONNX file of {model.name} to differ from torch by at most {TOLERANCE}, "
                f"found {error:.2g}. Nothing was written; save with onnx=False, and report it."
            )
        facts = {"digest": model.digest, "name": model.name, "error": f"{error:.3g}"}
        _write_metadata(temporary, facts | _onnx_facts(model))
    return error


def _onnx_facts(model: PlaceModel) -> dict[str, str]:
    width, height = model.preprocessing.size
    return {"input": f"images: N x 3 x {height} x {width} float32, any N", "opset": str(OPSET)}


def _export(model: PlaceModel, path: Path) -> None:
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
                dynamic_axes={name: {0: "n"} for name in (*inputs, "descriptor", "features")},
            )
    except Exception as error:  # torch's exporter raises many kinds, all about the network
        raise ModelError(f"expected layers that ONNX has, found: {error}. Save with onnx=False.") from error
    finally:
        model.train(mode)


def _greatest_error(model: PlaceModel, path: Path) -> float:
    """Compare torch and ONNX Runtime on three random pictures; features count relative to their greatest."""
    import onnxruntime
    import torch

    width, height = model.preprocessing.size
    rng = np.random.default_rng(0)
    given = {"images": rng.standard_normal((3, 3, height, width), dtype=np.float32)}
    if model.affines:
        given["quality"] = rng.random((3, CONDITION_SIZE), dtype=np.float32)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    descriptor, features = session.run(["descriptor", "features"], given)
    with torch.inference_mode():
        device = next(model.parameters()).device
        expected = model(*(torch.from_numpy(array).to(device) for array in given.values()))
    wanted = expected.features.cpu().numpy()
    in_features = np.abs(features - wanted).max() / max(float(np.abs(wanted).max()), 1e-12)
    return max(float(np.abs(descriptor - expected.descriptor.cpu().numpy()).max()), float(in_features))


def _write_metadata(path: Path, values: dict[str, str]) -> None:
    import onnx

    proto = onnx.load(str(path))
    for key, value in values.items():
        entry = proto.metadata_props.add()
        entry.key, entry.value = METADATA_PREFIX + key, value
    path.write_bytes(proto.SerializeToString())


def _write_config(config: ModelConfig, path: Path) -> None:
    text = json.dumps(config.model_dump(mode="json"), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")
