"""CosPlace (Berton et al., CVPR 2022); EigenPlaces (ICCV 2023) trains the same network another way."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.gem import generalised_mean
from lofivpr.models.registry import register_aggregator


@register_aggregator("eigenplaces")
@register_aggregator("cosplace")
class CosPlace(nn.Module):
    """Unit-length features, generalised mean over locations, a fully connected layer, unit length."""

    def __init__(self, channels: int, dim: int = 512, p: float = 3.0) -> None:
        super().__init__()
        self.size = int(dim)
        self.p = nn.Parameter(torch.full((1,), float(p)))
        self.fc = nn.Linear(int(channels), self.size)

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate N x channels x h x w float features; returns N x dim, unit length."""
        return F.normalize(self.fc(generalised_mean(F.normalize(features, dim=1), self.p)), dim=1)
