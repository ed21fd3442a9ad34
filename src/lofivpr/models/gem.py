"""Generalised mean pooling (Radenovic et al., 2018)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.registry import register_aggregator


@register_aggregator("gem")
class GeM(nn.Module):
    """(mean over locations of x^p)^(1/p) for each channel, then unit length; p is learned.

    p = 1 is the mean; p to infinity is the maximum. Values below `floor` count as `floor`.
    """

    def __init__(self, channels: int, p: float = 3.0, floor: float = 1e-6) -> None:
        super().__init__()
        self.channels = self.size = int(channels)
        self.floor = float(floor)
        self.p = nn.Parameter(torch.tensor(float(p)))

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate N x channels x h x w float features; returns N x channels, unit length."""
        powers = features.clamp(min=self.floor).pow(self.p)
        return F.normalize(powers.mean(dim=(2, 3)).pow(1 / self.p), dim=1)
