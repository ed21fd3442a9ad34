"""SALAD (Izquierdo and Civera, CVPR 2024): locations are assigned to clusters by optimal transport."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.config import ModelError
from lofivpr.models.registry import register_aggregator

SINKHORN_ROUNDS = 3


class Salad(nn.Module):
    """A global token of `token_dim`, then `cluster_dim` x `clusters` sums of transported features.

    Each column of the sums (one cluster), the token and the whole are scaled to unit length. A backbone
    without a class token gives the mean of its features instead.
    """

    takes_token = True

    def __init__(
        self, channels: int, clusters: int, cluster_dim: int, token_dim: int, hidden: int, dropout: float
    ) -> None:
        super().__init__()
        self.clusters = clusters
        self.size = clusters * cluster_dim + token_dim
        self.token = nn.Sequential(nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, token_dim))
        self.local = _pointwise(channels, hidden, cluster_dim, dropout)
        self.score = _pointwise(channels, hidden, clusters, dropout)
        self.dustbin = nn.Parameter(torch.tensor(1.0))

    def forward(self, features: Tensor, token: Tensor | None = None) -> Tensor:
        """Aggregate N x channels x h x w features and the N x channels token; returns N x size, unit length.

        Raises:
            ModelError: fewer locations than clusters + 1.
        """
        token = features.mean(dim=(2, 3)) if token is None else token
        scores = self.score(features).flatten(2)
        plan = transport(scores, self.dustbin)[:, :-1]
        sums = self.local(features).flatten(2) @ plan.transpose(1, 2)
        parts = [F.normalize(self.token(token), dim=1), F.normalize(sums, dim=1).flatten(1)]
        return F.normalize(torch.cat(parts, dim=1), dim=1)


@register_aggregator("salad")
def salad(
    channels: int,
    clusters: int = 64,
    cluster_dim: int = 128,
    token_dim: int = 256,
    hidden: int = 512,
    dropout: float = 0.3,
) -> Salad:
    """SALAD with the published sizes: 64 clusters x 128 + 256 = 8448."""
    return Salad(int(channels), int(clusters), int(cluster_dim), int(token_dim), int(hidden), float(dropout))


def transport(scores: Tensor, dustbin: Tensor, rounds: int = SINKHORN_ROUNDS) -> Tensor:
    """Sinkhorn's plan from n locations to m clusters and a dustbin, in log space (section 3.2).

    Args:
        scores: N x m x n. dustbin: the one score of every location with the dustbin.

    Returns:
        N x (m + 1) x n: a location gives mass 1, a cluster takes 1, the dustbin n - m (columns exactly, rows
        nearly, after a few rounds).

    Raises:
        ModelError: n <= m, where the dustbin would take nothing.
    """
    clusters, locations = int(scores.shape[1]), int(scores.shape[2])
    if locations <= clusters:
        raise ModelError(
            f"expected more locations than the {clusters} clusters of the optimal transport, found {locations}. "
            "Use larger pictures or fewer clusters."
        )
    # A product, not expand(len(scores), ...): an export would take the example's length for a constant.
    logits = torch.cat([scores, scores[:, :1] * 0 + dustbin], dim=1)
    rows = torch.zeros(1, clusters + 1, 1).to(scores)
    rows[:, -1] = math.log(locations - clusters)
    columns: Tensor | float = 0.0
    for _ in range(rounds):
        potentials = rows - torch.logsumexp(logits + columns, dim=2, keepdim=True)
        columns = -torch.logsumexp(logits + potentials, dim=1, keepdim=True)
    return (logits + potentials + columns).exp()


def _pointwise(channels: int, hidden: int, out: int, dropout: float) -> nn.Sequential:
    """Two 1 x 1 convolutions with dropout and ReLU between."""
    layers = [nn.Conv2d(channels, hidden, 1), nn.Dropout(dropout), nn.ReLU(), nn.Conv2d(hidden, out, 1)]
    return nn.Sequential(*layers)
