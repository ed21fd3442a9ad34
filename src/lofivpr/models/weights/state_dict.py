"""Import published checkpoints of named tensors by the key maps of `layouts/*.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from lofivpr.models.config import ModelError
from lofivpr.models.place_model import PlaceModel, build
from lofivpr.models.weights.importable import provenance
from lofivpr.models.weights.layout import Layout, Published, published_models
from lofivpr.models.weights.pickles import load_pickle


def import_state_dict(file: str | Path, name: str, out: str | Path, onnx: bool = True) -> PlaceModel:
    """Bring a published checkpoint into a model folder.

    Args:
        file: as published: a pickle of tensors (.pth, .ckpt, .torch) or .safetensors.
        name: of `published_models()`.
        out: the model folder.
        onnx: whether to export too.

    Raises:
        ModelError: an unknown name; a file that holds more than tensors; the first tensor that is unknown,
            missing, or of another shape.
    """
    known = published_models()
    if name not in known:
        raise ModelError(f"expected a published model ({', '.join(known)}), found {name!r}. Choose one of them.")
    return import_published(file, known[name], out, onnx)


def import_published(file: str | Path, entry: Published, out: str | Path, onnx: bool = True) -> PlaceModel:
    """As `import_state_dict`, for an entry that need not be in the table."""
    tensors = read_tensors(file, entry.layout)
    with torch.device("meta"):  # neither time nor memory for weights that are replaced at once
        model = build(entry.config)
    model.load_state_dict(fit_tensors(file, entry.layout, tensors, model.state_dict()), assign=True)
    model.backbone.to(memory_format=torch.channels_last)
    layout = entry.layout
    model.card = provenance(file, entry.name, layout.source, layout.licence)
    model.card["imported"]["layout"] = layout.name
    model.save(out, model.card, onnx=onnx)
    return model


def read_tensors(file: str | Path, layout: Layout) -> dict[str, Tensor]:
    """The named tensors of a file; pickles are read without running anything in them.

    Raises:
        ModelError: no such file, no weights in it, or a pickle that holds more than plain values and tensors.
    """
    path = Path(file)
    if not path.is_file():
        raise ModelError(f"expected a checkpoint, found no file {path}. Get it from {layout.source}.")
    values: Any = _load(path, layout)
    for key in layout.inside:
        if isinstance(values, Mapping) and isinstance(values.get(key), Mapping):
            values = values[key]
    strangers = [str(key) for key, value in values.items() if not isinstance(value, Tensor)] if values else ["nothing"]
    if strangers:
        raise ModelError(f"expected named tensors in {path}, found {strangers[0]}. Use the file of {layout.source}.")
    return dict(values)


def _load(path: Path, layout: Layout) -> Any:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    advice = f"Use the file of {layout.source} as it was published."
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        values = load_pickle(path)
    except SafetensorError as error:
        raise ModelError(f"expected safetensors in {path}, found: {error}. {advice}") from None
    except Exception as error:  # torch's reader raises many kinds; all say that this is no plain state dict
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"expected tensors and plain values in {path}, found: {reason}. {advice}") from None
    if not isinstance(values, Mapping):
        raise ModelError(f"expected named tensors in {path}, found a {type(values).__name__}. {advice}")
    return values


def fit_tensors(
    file: str | Path, layout: Layout, tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor]
) -> dict[str, Tensor]:
    """Tensors by our names, in the order and types of `wanted`; each must be accounted for.

    Raises:
        ModelError: naming the first that is unknown, missing, of another shape, or without use.
    """
    theirs = layout.map_names(tensors)
    fitted = {}
    for name, expected in wanted.items():
        shape = tuple(expected.shape)
        if name not in theirs:
            raise ModelError(f"{file}: expected a tensor for {name} of shape {shape}, found none in {layout.name}.")
        tensor = tensors[theirs[name]]
        if tuple(tensor.shape) != shape:
            raise ModelError(
                f"{file}: expected shape {shape} for {theirs[name]} ({name}), found {tuple(tensor.shape)}. "
                "Import it under the name of its own size."
            )
        fitted[name] = tensor.to(expected.dtype).contiguous()
    if unused := [name for name in theirs if name not in fitted]:
        raise ModelError(f"{file}: expected no tensor {theirs[unused[0]]}, found one: the model has no {unused[0]}.")
    return fitted
