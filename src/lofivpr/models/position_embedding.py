"""Position embeddings for another grid than they were trained on, as products with two small matrices.

Bicubic resizing is separable: rows and columns each go through one matrix of weights. As constants these
export to ONNX exactly, with and without antialiasing, which the interpolation operators do not.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor


def resize_positions(positions: Tensor, grid: tuple[int, int], offset: float, antialias: bool) -> Tensor:
    """Bicubic resizing of position embeddings, as DINOv2 does it.

    Args:
        positions: 1 x S*S x C, of a square grid.
        grid: rows and columns wanted.
        offset: added to the sides for the scale: 0.1 in the models without registers ("historical kludge" of
            the release), 0 in those with.
        antialias: of the models with registers.

    Returns:
        1 x rows*columns x C.
    """
    side = math.isqrt(positions.shape[1])
    if grid == (side, side):
        return positions
    square = positions.unflatten(1, (side, side))
    down, across = (torch.from_numpy(bicubic_weights(side, wanted, offset, antialias)).to(positions) for wanted in grid)
    resized = torch.einsum("ai,nijc->najc", down, square)
    return torch.einsum("bj,najc->nabc", across, resized).flatten(1, 2)


def bicubic_weights(given: int, wanted: int, offset: float = 0.0, antialias: bool = False) -> np.ndarray:
    """Rows of weights (wanted x given, float32) that resize a signal of `given` samples by cubic convolution.

    Without antialiasing the kernel has a = -0.75 and the edge is repeated, as in torch's `interpolate`;
    with it a = -0.5, the kernel widens when shrinking, and weights outside are dropped, as in Pillow.
    """
    scale = given / (wanted + offset)
    widen = max(scale, 1.0) if antialias else 1.0
    a = -0.5 if antialias else -0.75
    weights = np.zeros((wanted, given))
    for row in range(wanted):
        centre = (row + 0.5) * scale - 0.5
        for sample in range(math.floor(centre - 2 * widen), math.ceil(centre + 2 * widen) + 1):
            weight = _cubic((sample - centre) / widen, a)
            if antialias and not 0 <= sample < given:
                continue
            weights[row, min(max(sample, 0), given - 1)] += weight
    return (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)


def _cubic(x: float, a: float) -> float:
    """Keys' cubic convolution kernel."""
    x = abs(x)
    if x < 1:
        return (a + 2) * x**3 - (a + 3) * x**2 + 1
    return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0
