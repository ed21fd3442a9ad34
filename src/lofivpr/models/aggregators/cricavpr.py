"""CricaVPR (Lu et al., CVPR 2024): region descriptors of a pyramid, correlated across the pictures of a batch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.aggregators.attention import EncoderLayer
from lofivpr.models.config import ModelError
from lofivpr.models.gem import generalised_mean
from lofivpr.models.registry import register_aggregator

LEVELS = (2, 3)  # of the pyramid below the whole picture: 2 x 2 and 3 x 3 regions
REGIONS = 1 + sum(level**2 for level in LEVELS)
MIXING = ("training", "always", "never")


@register_aggregator("cricavpr")
class CricaVPR(nn.Module):
    """The class token and the generalised means of 4 + 9 regions, each encoded with its peers of the batch.

    A descriptor depends on the pictures beside it wherever the encoder sees a batch: `mixing` says when.
    "training": in training, as the paper does; in evaluation every picture is a batch of its own, so that
    an exported model and a map never depend on neighbours. "always" is the paper's evaluation; "never".
    A backbone without a class token gives the generalised mean of the whole picture.
    """

    takes_token = True
    batch_independent = False

    def __init__(
        self,
        channels: int,
        layers: int = 2,
        heads: int = 0,
        wide: int = 2048,
        dropout: float = 0.1,
        mixing: str = "training",
    ) -> None:
        super().__init__()
        if mixing not in MIXING:
            raise ModelError(f"expected mixing={', '.join(MIXING)}, found {mixing!r}. Choose one of them.")
        channels, heads = int(channels), int(heads) or math.gcd(16, int(channels))
        self.size, self.mixing = REGIONS * channels, mixing
        self.batch_independent = mixing == "never"
        self.p = nn.Parameter(torch.full((1,), 3.0))
        self.layers = nn.ModuleList(
            EncoderLayer(channels, heads, int(wide), F.gelu, float(dropout)) for _ in range(int(layers))
        )

    def forward(self, features: Tensor, token: Tensor | None = None) -> Tensor:
        """Aggregate N x channels x h x w features and the N x channels token; returns N x (14 * channels)."""
        regions = pyramid(features, token, self.p)
        mixes = self.mixing == "always" or (self.mixing == "training" and self.training)
        # Attention runs over the second axis: over the batch, or over one picture alone.
        x = regions.transpose(0, 1) if mixes else regions.flatten(0, 1).unsqueeze(1)
        for layer in self.layers:
            x = layer(x)
        encoded = x.transpose(0, 1) if mixes else x.squeeze(1).unflatten(0, (-1, REGIONS))
        return F.normalize(encoded.flatten(1), dim=1)


def pyramid(features: Tensor, token: Tensor | None, p: Tensor) -> Tensor:
    """N x 14 x C: the token, then regions of the levels row by row, of features of unit length (section 3.2)."""
    local = F.normalize(features, dim=1)
    parts = [generalised_mean(local, p) if token is None else token]
    for level in LEVELS:
        rows, columns = (_cuts(int(side), level) for side in local.shape[2:])
        parts += [
            generalised_mean(local[:, :, top:bottom, left:right], p)
            for top, bottom in zip(rows, rows[1:], strict=False)
            for left, right in zip(columns, columns[1:], strict=False)
        ]
    return torch.stack(parts, dim=1)


def _cuts(side: int, level: int) -> list[int]:
    """Where a side is cut into `level` nearly equal parts: 16 into 0, 5, 11, 16. Raises ModelError."""
    if side < level:
        raise ModelError(
            f"expected features of at least {level} x {level}, found a side of {side}. Use larger pictures."
        )
    return [round(i * side / level) for i in range(level + 1)]
