"""MegaLoc (Berton and Masone, 2025): SALAD and a fully connected layer, trained on five data sets at once."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.aggregators.salad import Salad
from lofivpr.models.registry import register_aggregator


@register_aggregator("megaloc")
class MegaLoc(nn.Module):
    """SALAD of 64 clusters x 256 + 256, a fully connected layer to `dim`, unit length."""

    takes_token = True

    def __init__(
        self,
        channels: int,
        dim: int = 8448,
        clusters: int = 64,
        cluster_dim: int = 256,
        token_dim: int = 256,
        hidden: int = 512,
        dropout: float = 0.3,
    ) -> None:
        super().__init__()
        self.size = int(dim)
        sizes = (int(channels), int(clusters), int(cluster_dim), int(token_dim), int(hidden))
        self.salad = Salad(*sizes, dropout=float(dropout))
        self.fc = nn.Linear(self.salad.size, self.size)

    def forward(self, features: Tensor, token: Tensor | None = None) -> Tensor:
        """Aggregate N x channels x h x w features and the N x channels token; returns N x dim, unit length."""
        return F.normalize(self.fc(self.salad(features, token)), dim=1)
