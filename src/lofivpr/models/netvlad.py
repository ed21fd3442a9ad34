"""NetVLAD (Arandjelovic et al., CVPR 2016): soft-assigned residuals to learned centroids."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.registry import register_aggregator


@register_aggregator("netvlad")
class NetVLAD(nn.Module):
    """N x channels x h x w features to N x (clusters * channels) descriptors of unit length.

    Row k of the descriptor, before it is flattened, is the intra-normalised sum over locations of
    assignment * (x - centroid k): cluster-major. `assignment` is a 1 x 1 convolution without bias.
    """

    def __init__(self, channels: int, clusters: int = 64) -> None:
        super().__init__()
        self.channels, self.clusters = int(channels), int(clusters)
        self.size = self.channels * self.clusters
        centroids = F.normalize(torch.randn(self.clusters, self.channels), dim=1)
        self.assignment = nn.Conv2d(self.channels, self.clusters, kernel_size=1, bias=False)
        self.centroids = nn.Parameter(centroids)
        # A start that already assigns by nearness; initialise_netvlad replaces it by the published one.
        self.assignment.weight.data = 10 * centroids[:, :, None, None]

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate N x channels x h x w float features; returns N x size, unit length."""
        local = F.normalize(features, dim=1)
        assignment = self.assignment(local).flatten(2).softmax(dim=1)
        # sum_p a_kp (x_p - c_k) = (A X^T)_k - (sum_p a_kp) c_k: nothing of size N x K x D x locations.
        weighted = torch.bmm(assignment, local.flatten(2).transpose(1, 2))
        residuals = weighted - assignment.sum(dim=2, keepdim=True) * self.centroids
        return F.normalize(F.normalize(residuals, dim=2).flatten(1), dim=1)
