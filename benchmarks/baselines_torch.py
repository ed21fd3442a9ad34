"""The straightforward way of networks, in our own words: what the ratios are ratios to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from lofivpr.models import NetVLAD, OnnxModel, PlaceModel


def describe_by_all_threads(model: OnnxModel) -> Callable[[Sequence[np.ndarray]], np.ndarray]:
    """Pictures one after another, all cores at each: ONNX Runtime as it comes."""
    session = onnxruntime.InferenceSession(str(model.path), providers=["CPUExecutionProvider"])

    def describe(pictures: Sequence[np.ndarray]) -> np.ndarray:
        found = [session.run(["descriptor"], {"images": model.preprocessing.to_array([one])})[0] for one in pictures]
        return np.concatenate(found)

    return describe


def netvlad_by_clusters(layer: NetVLAD, features: Tensor) -> Tensor:
    """NetVLAD cluster by cluster, with the residuals of every location spelled out."""
    local = F.normalize(features, dim=1).flatten(2)
    assignment = torch.softmax(layer.assignment(local.unflatten(2, features.shape[2:])).flatten(2), dim=1)
    parts = []
    for k in range(len(layer.centroids)):
        residual = local - layer.centroids[k][None, :, None]
        parts.append(F.normalize((residual * assignment[:, k : k + 1]).sum(dim=2), dim=1))
    return F.normalize(torch.cat(parts, dim=1), dim=1)


def describe_eagerly(model: PlaceModel, root: Path, images: Sequence[str], out: Path) -> None:
    """Open by Pillow, resize, to a tensor, through the network, into a file: a picture after another."""
    out.mkdir()
    device = next(model.parameters()).device
    mean, std = (torch.tensor(values)[:, None, None] for values in (model.preprocessing.mean, model.preprocessing.std))
    with torch.inference_mode():
        for image in images:
            picture = (
                Image.open(root / image).convert("RGB").resize(model.preprocessing.size, Image.Resampling.BILINEAR)
            )
            pixels = (
                torch.from_numpy(np.array(picture)).permute(2, 0, 1).float() * model.preprocessing.scale - mean
            ) / std
            descriptor = model.aggregator(model.backbone.layers(pixels[None].contiguous().to(device)))
            np.save(out / f"{Path(image).stem}.npy", descriptor[0].cpu().numpy())


def netvlad_spelled_out(layer: NetVLAD, features: Tensor) -> Tensor:
    """NetVLAD with the residuals of all clusters and locations at once: N x K x D x HW."""
    local = F.normalize(features, dim=1).flatten(2)
    assignment = torch.softmax(layer.assignment(local.unflatten(2, features.shape[2:])).flatten(2), dim=1)
    residuals = local[:, None] - layer.centroids[None, :, :, None]
    return F.normalize(F.normalize((residuals * assignment[:, :, None]).sum(3), dim=2).flatten(1), dim=1)


def channel_cosines_spelled_out(features: Tensor) -> Tensor:
    """ICKD's matrix by the products of all pairs of channel maps: N x C x C x HW."""
    maps = F.normalize(features.flatten(2), dim=2)
    return (maps[:, :, None] * maps[:, None]).sum(3)
