"""The multi-scale convolution adapter of CricaVPR (Lu et al., CVPR 2024) beside a transformer block's MLP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

SCALE = 0.2  # of the adapter's output, beside the MLP's
EPSILON = 0.001  # of its batch normalisation


class ConvNormAct(nn.Module):
    """Convolution, batch normalisation, ReLU; the size is kept."""

    def __init__(self, wide_in: int, wide_out: int, kernel: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(wide_in, wide_out, kernel, padding=kernel // 2)
        self.bn = nn.BatchNorm2d(wide_out, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        """N x wide_in x h x w to N x wide_out x h x w."""
        return F.relu(self.bn(self.conv(x)))


class ConvAdapter(nn.Module):
    """Half the width; branches of 1 x 1, 3 x 3 and 5 x 5 on the grid of patches; a skip; the full width.

    The branches' widths are 1/2, 1/4 and 1/4 of the halved one; those of 3 and 5 first go to 1/16 of it. The
    class token and registers see no convolution.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        half = channels // 2
        thin = half // 16
        self.down, self.up = nn.Linear(channels, half), nn.Linear(half, channels)
        self.branch1 = ConvNormAct(half, half // 2, 1)
        self.branch3 = nn.Sequential(ConvNormAct(half, thin, 1), ConvNormAct(thin, half // 4, 3))
        self.branch5 = nn.Sequential(ConvNormAct(half, thin, 1), ConvNormAct(thin, half // 4, 5))

    def forward(self, tokens: Tensor, grid: Sequence[int], prefix: int) -> Tensor:
        """N x (prefix + h*w) x C to the same shape; `grid` is (h, w)."""
        small = F.relu(self.down(tokens))
        patches = small[:, prefix:].transpose(1, 2).unflatten(2, tuple(grid))
        branches = torch.cat([self.branch1(patches), self.branch3(patches), self.branch5(patches)], dim=1)
        convolved = torch.cat([small[:, :prefix], branches.flatten(2).transpose(1, 2)], dim=1)
        return self.up(convolved + small)


class AdaptedBlock(nn.Module):
    """A pre-norm transformer block whose MLP has an adapter in parallel: x + ls(MLP(n(x)) + 0.2 adapter(n(x)))."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.norm1, self.attn, self.ls1 = block.norm1, block.attn, block.ls1
        self.norm2, self.mlp, self.ls2 = block.norm2, block.mlp, block.ls2
        with torch.device(block.norm1.weight.device):
            self.adapter = ConvAdapter(block.norm1.weight.shape[0])

    def forward(self, tokens: Tensor, grid: Sequence[int], prefix: int) -> Tensor:
        """N x (prefix + h*w) x C to the same shape."""
        tokens = tokens + self.ls1(self.attn(self.norm1(tokens)))
        normal = self.norm2(tokens)
        return tokens + self.ls2(self.mlp(normal) + SCALE * self.adapter(normal, grid, prefix))
