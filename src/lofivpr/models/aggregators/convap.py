"""ConvAP (Ali-bey et al., GSV-Cities, Neurocomputing 2022): fewer channels, then means over a few windows."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.registry import register_aggregator


@register_aggregator("convap")
class ConvAP(nn.Module):
    """1 x 1 convolution to `dim` channels, means over rows x columns windows, unit length.

    The descriptor is channel-major: all windows of channel 0, then of channel 1, ...
    """

    def __init__(self, channels: int, dim: int = 512, rows: int = 2, columns: int = 2) -> None:
        super().__init__()
        self.rows, self.columns = int(rows), int(columns)
        self.size = int(dim) * self.rows * self.columns
        self.reduce = nn.Conv2d(int(channels), int(dim), kernel_size=1)

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate N x channels x h x w float features; returns N x (dim * rows * columns), unit length."""
        return F.normalize(window_means(self.reduce(features), self.rows, self.columns).flatten(1), dim=1)


def window_means(features: Tensor, rows: int, columns: int) -> Tensor:
    """N x C x h x w to N x C x rows x columns: adaptive average pooling, as two products that ONNX has."""
    down = window_weights(int(features.shape[2]), rows).to(features)
    across = window_weights(int(features.shape[3]), columns).to(features)
    return down @ features @ across.T


def window_weights(length: int, parts: int) -> Tensor:
    """parts x length: row i averages samples floor(i * length / parts) to ceil((i + 1) * length / parts)."""
    weights = torch.zeros(parts, length)
    for i in range(parts):
        start, end = i * length // parts, math.ceil((i + 1) * length / parts)
        weights[i, start:end] = 1 / (end - start)
    return weights
