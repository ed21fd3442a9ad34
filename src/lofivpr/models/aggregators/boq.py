"""BoQ (Ali-bey et al., CVPR 2024): learned queries that attend to the features of each layer of an encoder."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.aggregators.attention import Attention, EncoderLayer
from lofivpr.models.registry import register_aggregator


class BoQBlock(nn.Module):
    """One encoder layer, and a bag of queries that attend to themselves and then to its output."""

    def __init__(self, dim: int, queries: int, heads: int) -> None:
        super().__init__()
        self.encoder = EncoderLayer(dim, heads, 4 * dim)
        self.queries = nn.Parameter(torch.randn(1, queries, dim))
        self.self_attn, self.norm_q = Attention(dim, heads), nn.LayerNorm(dim)
        self.cross_attn, self.norm_out = Attention(dim, heads), nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """N x T x dim to the encoded features (the same shape) and the answers N x queries x dim."""
        x = self.encoder(x)
        asked = self.norm_q(self.queries + self.self_attn(self.queries, self.queries))
        return x, self.norm_out(self.cross_attn(asked, x))


@register_aggregator("boq")
class BoQ(nn.Module):
    """3 x 3 convolution to `dim` channels, `layers` blocks, a projection across all queries; unit length.

    The descriptor is channel-major: `rows` numbers of channel 0, then of channel 1, ... `heads` is by default
    one for every 64 channels.
    """

    def __init__(
        self, channels: int, dim: int = 512, queries: int = 64, layers: int = 2, rows: int = 32, heads: int = 0
    ) -> None:
        super().__init__()
        dim, heads = int(dim), int(heads) or max(1, int(dim) // 64)
        self.size = dim * int(rows)
        self.project = nn.Conv2d(int(channels), dim, kernel_size=3, padding=1)
        self.norm_input = nn.LayerNorm(dim)
        self.blocks = nn.ModuleList(BoQBlock(dim, int(queries), heads) for _ in range(int(layers)))
        self.fc = nn.Linear(int(layers) * int(queries), int(rows))

    def forward(self, features: Tensor) -> Tensor:
        """Aggregate N x channels x h x w float features; returns N x (dim * rows), unit length."""
        x = self.norm_input(self.project(features).flatten(2).transpose(1, 2))
        answers = []
        for block in self.blocks:
            x, answer = block(x)
            answers.append(answer)
        rows = self.fc(torch.cat(answers, dim=1).transpose(1, 2))
        return F.normalize(rows.flatten(1), dim=1)
