"""Give a new model's backbone weights that lie on this machine."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from lofivpr.models.config import ModelError
from lofivpr.models.folder import check_weights_fit, read_config, read_weights
from lofivpr.models.place_model import PlaceModel
from lofivpr.models.weights.layout import Layout
from lofivpr.models.weights.state_dict import read_tensors

OURS = "backbone.layers."  # before the names that timm and torchvision give
COUNTER = ".num_batches_tracked"  # of batch norm, without use where statistics are frozen


def load_backbone(model: PlaceModel, weights: str | Path) -> None:
    """Load the backbone of `model`, changed in place, from a model folder or from a file of tensors.

    Args:
        weights: a model folder, whatever its aggregator; or a .pth or .safetensors file whose tensors are named
            as timm and torchvision name them. What the backbone does not have, such as a classifier, is left.

    Raises:
        ModelError: nothing there, no weights, or those of another backbone: the first tensor that differs is named.
    """
    path = Path(weights)
    if not path.exists():
        raise ModelError(
            f"expected weights (download, random, a model folder, or a file of tensors), found nothing at {path}. "
            "Check the path, or choose one of the words."
        )
    tensors = _of_folder(path) if path.is_dir() else read_tensors(path, Layout("timm", "timm or torchvision", ""))
    wanted = {name: tensor for name, tensor in model.backbone.layers.state_dict().items() if not name.endswith(COUNTER)}
    check_weights_fit(
        path,
        {name: tuple(tensor.shape) for name, tensor in wanted.items()},
        {name: tuple(tensor.shape) for name, tensor in tensors.items() if name in wanted},
        advice=f"Give weights of {model.config.backbone}, or choose their backbone.",
    )
    model.backbone.layers.load_state_dict({name: tensors[name] for name in wanted}, strict=False)
    source, licence = _provenance(path)
    model.config = model.config.replace(weights_source=source, weights_licence=licence)


def _of_folder(folder: Path) -> dict[str, Tensor]:
    found = {name: array for name, array in read_weights(folder).items() if name.startswith(OURS)}
    return {name.removeprefix(OURS): torch.from_numpy(array) for name, array in found.items()}


def _provenance(path: Path) -> tuple[str, str]:
    if not path.is_dir():
        return f"file {path.name}", ""
    config = read_config(path)
    source = f"model {config.name} ({config.digest})"
    return (f"{source}, from {config.weights_source}" if config.weights_source else source), config.weights_licence
