"""Generalised mean pooling (Radenovic et al., 2018), if wanted with a fully connected layer."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.registry import register_aggregator


@register_aggregator("gem")
class GeM(nn.Module):
    """(mean over locations of x^p)^(1/p) for each channel, then unit length; p is learned.

    p = 1 is the mean; p to infinity is the maximum. Values below `floor` count as `floor`. With `dim`, a
    fully connected layer to so many numbers follows, and unit length again.
    """

    def __init__(self, channels: int, p: float = 3.0, floor: float = 1e-6, dim: int = 0) -> None:
        super().__init__()
        self.channels = int(channels)
        self.size = int(dim) or self.channels
        self.floor = float(floor)
        self.p = nn.Parameter(torch.tensor(float(p)))
        self.fc = nn.Linear(self.channels, self.size) if dim else None

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate N x channels x h x w float features; returns N x size, unit length."""
        pooled = F.normalize(generalised_mean(features, self.p, self.floor), dim=1)
        return pooled if self.fc is None else F.normalize(self.fc(pooled), dim=1)


def generalised_mean(features: Tensor, p: Tensor, floor: float = 1e-6) -> Tensor:
    """(mean over locations of max(x, floor)^p)^(1/p): N x C x h x w to N x C."""
    return features.clamp(min=floor).pow(p).mean(dim=(2, 3)).pow(1 / p)
