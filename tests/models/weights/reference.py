"""VGG-16 and NetVLAD once more, in NumPy and in MATLAB's order of sides, to compare imported networks with."""

from __future__ import annotations

import numpy as np

# VGG-16 up to conv5_3 by the numbers that MatConvNet, torchvision and timm share: width of a convolution, or None
# for ReLU and "pool". The last ReLU and pooling are not there.
BLOCKS = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)]
CLUSTERS, CHANNELS = 64, 512


def layer_kinds() -> list[tuple[str, int, int]]:
    """(kind, channels in, channels out) of layers 0..28."""
    kinds, wide = [], 3
    for convolutions, width in BLOCKS:
        for _ in range(convolutions):
            kinds += [("conv", wide, width), ("relu", width, width)]
            wide = width
        kinds.append(("pool", width, width))
    return kinds[:-2]


def convolutions(seed: int = 0) -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """Random weights by layer number: float32 3 x 3 x IN x OUT, and biases."""
    rng = np.random.default_rng(seed)
    return {
        number: (
            rng.standard_normal((3, 3, wide, width), dtype=np.float32) * np.float32(np.sqrt(2 / (9 * wide))),
            0.1 * rng.standard_normal(width, dtype=np.float32),
        )
        for number, (kind, wide, width) in enumerate(layer_kinds())
        if kind == "conv"
    }


def conv5_3(image: np.ndarray, weights: dict[int, tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    """height x width x 3 to height / 16 x width / 16 x 512, in float64."""
    x = image.astype(np.float64)
    for number, (kind, _, _) in enumerate(layer_kinds()):
        if kind == "conv":
            filters, bias = weights[number]
            padded = np.pad(x, ((1, 1), (1, 1), (0, 0)))
            height, width = x.shape[:2]
            x = bias + sum(
                padded[i : i + height, j : j + width] @ filters[i, j].astype(np.float64)
                for i in range(3)
                for j in range(3)
            )
        elif kind == "relu":
            x = np.maximum(x, 0)
        else:
            x = np.maximum(np.maximum(x[0::2, 0::2], x[1::2, 0::2]), np.maximum(x[0::2, 1::2], x[1::2, 1::2]))
    return x


def unit(x: np.ndarray, axis: int = -1) -> np.ndarray:
    return x / np.linalg.norm(x, axis=axis, keepdims=True)


def netvlad(features: np.ndarray, assignment: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """height x width x D features, D x K assignment and centroids to a D x K matrix, its columns of unit length."""
    vlad = np.zeros(centroids.shape)
    for x in unit(features.reshape(-1, features.shape[-1])):
        scores = np.exp(x @ assignment - (x @ assignment).max())
        scores /= scores.sum()
        vlad += scores * (x[:, None] - centroids)
    return unit(vlad, axis=0)
