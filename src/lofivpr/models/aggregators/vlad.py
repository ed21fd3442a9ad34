"""VLAD with hard assignment (Jegou et al., 2010) as AnyLoc (Keetha et al., RA-L 2023) uses it: unsupervised."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.registry import register_aggregator


@register_aggregator("vlad")
class VLAD(nn.Module):
    """N x channels x h x w features to N x (clusters * channels) descriptors of unit length, cluster-major.

    A location belongs to the centroid of the greatest cosine; residuals of unit-length features are summed,
    scaled to unit length for each cluster, and as a whole. `initialise_vocabulary` sets the centroids from
    the user's own pictures.
    """

    def __init__(self, channels: int, clusters: int = 32) -> None:
        super().__init__()
        self.channels, self.clusters = int(channels), int(clusters)
        self.size = self.channels * self.clusters
        self.centroids = nn.Parameter(F.normalize(torch.randn(self.clusters, self.channels), dim=1))

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate N x channels x h x w float features; returns N x size, unit length."""
        local = F.normalize(features.flatten(2), dim=1)
        nearest = (F.normalize(self.centroids, dim=1) @ local).argmax(dim=1)
        chosen = F.one_hot(nearest, self.clusters).to(local)
        counts = chosen.sum(dim=1).unsqueeze(2)
        residuals = chosen.transpose(1, 2) @ local.transpose(1, 2) - counts * self.centroids
        return F.normalize(F.normalize(residuals, dim=2).flatten(1), dim=1)
