"""MixVPR (Ali-bey et al., WACV 2023): every feature map is mixed with itself over all locations by MLPs."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.config import ModelError
from lofivpr.models.registry import register_aggregator


class FeatureMixer(nn.Module):
    """X + W2 relu(W1 norm(X)) on rows of `locations` numbers, the same for every channel (equation 2)."""

    def __init__(self, locations: int, ratio: float) -> None:
        super().__init__()
        hidden = int(locations * ratio)
        self.norm = nn.LayerNorm(locations)
        self.expand, self.shrink = nn.Linear(locations, hidden), nn.Linear(hidden, locations)

    def forward(self, rows: Tensor) -> Tensor:
        """N x channels x locations to the same shape."""
        return rows + self.shrink(F.relu(self.expand(self.norm(rows))))


@register_aggregator("mixvpr")
class MixVPR(nn.Module):
    """`depth` feature mixers, then a projection of the channels and one of the locations; unit length.

    `locations` is h * w of the features, fixed by the mixers: the model takes no other input size.
    """

    def __init__(
        self, channels: int, locations: int = 400, dim: int = 1024, rows: int = 4, depth: int = 4, ratio: float = 1.0
    ) -> None:
        super().__init__()
        self.locations, self.size = int(locations), int(dim) * int(rows)
        self.mixers = nn.Sequential(*(FeatureMixer(self.locations, float(ratio)) for _ in range(int(depth))))
        self.channel_projection = nn.Linear(int(channels), int(dim))
        self.row_projection = nn.Linear(self.locations, int(rows), bias=False)

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate N x channels x h x w float features; returns N x (dim * rows), unit length.

        Raises:
            ModelError: h * w is not `locations`.
        """
        self._check(features.shape)
        mixed = self.mixers(features.flatten(2))
        projected = self.channel_projection(mixed.transpose(1, 2)).transpose(1, 2)
        return F.normalize(self.row_projection(projected).flatten(1), dim=1)

    def _check(self, shape: Any) -> None:
        found = int(shape[2]) * int(shape[3])
        if found != self.locations:
            raise ModelError(
                f"expected features at {self.locations} locations, which this MixVPR mixes, found {found} "
                f"({int(shape[2])} x {int(shape[3])}). Use pictures of the model's size, or create it for this one."
            )
