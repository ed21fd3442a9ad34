"""The straightforward way, in our own words: what the ratios are ratios to."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import onnxruntime
import torch
import torch.nn.functional as F
from torch import Tensor

from lofivpr.models import NetVLAD, OnnxModel


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


def recall_by_loop(indices: np.ndarray, positives: list[np.ndarray]) -> dict[int, float]:
    """Recall@n by looking at every query, n and neighbour."""
    found = {}
    for n in (1, 2, 5, 10, 15, 20, 25):
        hits = 0
        for row, right in zip(indices, positives, strict=True):
            if any(int(i) in right for i in row[:n]):
                hits += 1
        found[n] = 100 * hits / len(indices)
    return found
