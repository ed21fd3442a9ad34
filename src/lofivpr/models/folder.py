"""A model on disk: which files, how they are read without torch, and whether they belong together."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lofivpr.files import digest
from lofivpr.models.config import ModelConfig, ModelError, checked_config, model_digest

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
ONNX_FILE = "model.onnx"
CARD_FILE = "card.json"
README_FILE = "README.md"
NAMED = 5  # files that a message names
METADATA_PREFIX = "lofivpr."  # of the keys in model.onnx


def require_file(folder: str | Path, name: str, advice: str) -> Path:
    """The path of a file of a model folder. Raises ModelError when it, or the folder, is not there."""
    folder = Path(folder)
    if not folder.is_dir():
        raise ModelError(f"expected a model folder, found none at {folder}. Check the path.")
    path = folder / name
    if not path.is_file():
        raise ModelError(f"expected {name} in the model folder {folder}, found {_inventory(folder)}. {advice}")
    return path


def _inventory(folder: Path) -> str:
    """The first few names in a folder, and how many more there are."""
    names = sorted(entry.name for entry in folder.iterdir())
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return (", ".join(names[:NAMED]) or "an empty folder") + more


def read_config(folder: str | Path) -> ModelConfig:
    """Read and check `config.json`. Raises ModelError: missing, no JSON, or a wrong field."""
    path = require_file(folder, CONFIG_FILE, "Copy the whole folder again, or save the model again.")
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(f"expected JSON in {path}, found: {error}. Copy the folder again.") from None
    if not isinstance(values, dict):
        raise ModelError(f"expected a JSON object in {path}, found a {type(values).__name__}. Copy it again.")
    return checked_config(values, path)


def read_weights(folder: str | Path) -> dict[str, np.ndarray]:
    """Read all tensors of `model.safetensors` as arrays. Raises ModelError: missing or damaged."""
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    advice = "Copy the whole folder again, or save the model again; one exported for the edge has none."
    path = require_file(folder, WEIGHTS_FILE, advice)
    try:
        return load_file(path)
    except (SafetensorError, OSError, ValueError, KeyError) as error:
        raise ModelError(f"expected weights in {path}, found: {error}. Copy the folder again.") from None


def weights_digest(weights: Mapping[str, np.ndarray]) -> str:
    """Digest of named tensors: names, types, shapes and bytes, in the order of the names."""
    parts: list[str | bytes] = []
    for name in sorted(weights):
        array = np.asarray(weights[name])
        parts += [f"{name} {array.dtype.str} {array.shape}", array.tobytes()]
    return digest(*parts)


def verify_digest(folder: str | Path, config: ModelConfig, weights: Mapping[str, np.ndarray]) -> str:
    """The digest of configuration and weights; it must be the one that `config.json` states.

    Raises:
        ModelError: another digest, that is, one of the two files was changed after the other.
    """
    found = model_digest(config, weights_digest(weights))
    if config.digest != found:
        raise ModelError(
            f"expected {WEIGHTS_FILE} and {CONFIG_FILE} of {folder} to have the digest {config.digest} that "
            f"the latter states, found {found}: the weights do not fit, for one file was changed alone. "
            "Copy the whole folder again, or save the model again."
        )
    return found


def check_weights_fit(
    where: str | Path,
    expected: Mapping[str, tuple[int, ...]],
    found: Mapping[str, tuple[int, ...]],
    advice: str = "The weights belong to another architecture: use their own config.json.",
) -> None:
    """Compare names and shapes of tensors. Raises ModelError, which names the first that differs."""
    for name, shape in expected.items():
        if name not in found:
            raise ModelError(f"{where}: expected a tensor {name} of shape {shape}, found none. {advice}")
        if found[name] != shape:
            raise ModelError(f"{where}: expected shape {shape} for {name}, found {found[name]}. {advice}")
    for name in found:
        if name not in expected:
            raise ModelError(f"{where}: expected no tensor {name}, found {found[name]}. {advice}")
