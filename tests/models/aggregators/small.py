"""Every aggregator of the package at a size for tests; features are N x 6 x 4 x 5."""

from __future__ import annotations

import torch
from torch import nn

from aggregator_options import declared
from lofivpr.models.registry import build_aggregator

CHANNELS, ROWS, COLUMNS = 6, 4, 5
OPTIONS = declared("SMALL")


def small(name: str, grad: bool = False, **changes: object) -> nn.Module:
    """A float64 aggregator in evaluation with random weights, the same in every call."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        layer = build_aggregator(name, CHANNELS, {**OPTIONS[name], **changes}).double().eval()
        for parameter in layer.requires_grad_(
            grad
        ).parameters():  # biases and norms start at 0 and 1, which would hide a swap
            parameter.data += 0.1 * torch.randn_like(parameter)
    return layer


def features(count: int = 3, seed: int = 0) -> torch.Tensor:
    """float64 count x 6 x 4 x 5."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, CHANNELS, ROWS, COLUMNS, dtype=torch.float64, generator=generator)


def tokens(count: int = 3) -> torch.Tensor:
    """float64 count x 6."""
    return torch.randn(count, CHANNELS, dtype=torch.float64, generator=torch.Generator().manual_seed(9))


def linear(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """A fully connected layer, or a 1 x 1 convolution, on one vector: a sum for each output."""
    outputs = [(row * x).sum() for row in layer.weight.flatten(1)]
    return torch.stack(outputs) + (0 if layer.bias is None else layer.bias)


def layer_norm(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """Layer normalisation of one vector."""
    mean = x.sum() / len(x)
    variance = ((x - mean) ** 2).sum() / len(x)
    return (x - mean) / (variance + layer.eps) ** 0.5 * layer.weight + layer.bias


def unit(x: torch.Tensor) -> torch.Tensor:
    """A vector of length one."""
    return x / (x * x).sum() ** 0.5


def locations(picture: torch.Tensor) -> list[torch.Tensor]:
    """The vectors of C x h x w, row by row."""
    return [picture[:, i, j] for i in range(picture.shape[1]) for j in range(picture.shape[2])]


def attend(layer: nn.Module, queries: list[torch.Tensor], memory: list[torch.Tensor]) -> list[torch.Tensor]:
    """Multi-head attention from its definition: one query, one head and one key at a time."""
    size = len(queries[0])
    wide = size // layer.heads
    parts = [slice(i * size, (i + 1) * size) for i in range(3)]
    w_q, w_k, w_v = (layer.in_proj_weight[part] for part in parts)
    b_q, b_k, b_v = (layer.in_proj_bias[part] for part in parts)
    found = []
    for query in queries:
        heads = []
        for head in range(layer.heads):
            own = slice(head * wide, (head + 1) * wide)
            q = w_q[own] @ query + b_q[own]
            scores = torch.stack([q @ (w_k[own] @ m + b_k[own]) / wide**0.5 for m in memory])
            weights = scores.exp() / scores.exp().sum()
            heads.append(sum(a * (w_v[own] @ m + b_v[own]) for a, m in zip(weights, memory, strict=True)))
        found.append(linear(layer.out_proj, torch.cat(heads)))
    return found


def encode(layer: nn.Module, x: list[torch.Tensor]) -> list[torch.Tensor]:
    """A post-norm transformer layer, one token at a time."""
    attended = attend(layer.self_attn, x, x)
    middle = [layer_norm(layer.norm1, a + b) for a, b in zip(x, attended, strict=True)]
    inner = [linear(layer.linear2, layer.activation(linear(layer.linear1, m))) for m in middle]
    return [layer_norm(layer.norm2, a + b) for a, b in zip(middle, inner, strict=True)]
