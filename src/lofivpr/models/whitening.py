"""PCA whitening of descriptors."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from scipy.linalg import eigh

from lofivpr.models.config import ModelError


def fit_whitening(descriptors: np.ndarray, dim: int, floor: float = 1e-10) -> tuple[np.ndarray, np.ndarray]:
    """Principal directions of descriptors, each scaled to unit variance.

    Args:
        descriptors: N x D float, one row a picture; N > dim.
        dim: dimensions to keep, at most min(D, N - 1).
        floor: smallest variance, relative to the largest, that counts as one.

    Returns:
        weight (dim x D) and bias (dim), float32: `descriptors @ weight.T + bias` has zero mean and the
        identity as covariance. Apply unit length afterwards.

    Raises:
        ModelError: too few descriptors or too little variation for `dim` dimensions.
    """
    rows, width = descriptors.shape
    _check_dim(dim, rows, width)
    mean = descriptors.mean(axis=0, dtype=np.float64)
    centred = descriptors.astype(np.float64) - mean
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    return _scaled(directions[:dim], singular[:dim] / np.sqrt(rows - 1), mean, floor)


def fit_whitening_by_blocks(
    blocks: Iterable[np.ndarray], dim: int, floor: float = 1e-10
) -> tuple[np.ndarray, np.ndarray]:
    """As `fit_whitening`, of blocks n x D that are read once: memory holds D x D numbers, whatever N is.

    `DescriptorStore.blocks` gives such blocks. A direction may point the other way than that of `fit_whitening`.

    Raises:
        ModelError: too few descriptors or too little variation for `dim` dimensions.
    """
    rows, shift, total, products = 0, np.zeros(0), np.zeros(0), np.zeros((0, 0))
    for block in blocks:
        if rows == 0:  # squares of numbers near zero cancel less
            width = block.shape[1]
            shift, total, products = block.mean(axis=0, dtype=np.float64), np.zeros(width), np.zeros((width, width))
        moved = block.astype(np.float64) - shift
        rows, total = rows + len(moved), total + moved.sum(axis=0)
        products += moved.T @ moved
    _check_dim(dim, rows, len(total))
    mean = total / rows
    products -= rows * np.outer(mean, mean)
    products /= rows - 1
    width = len(products)
    variance, directions = eigh(products, subset_by_index=[width - dim, width - 1], overwrite_a=True)
    return _scaled(directions[:, ::-1].T, np.sqrt(np.maximum(variance[::-1], 0)), shift + mean, floor)


def _check_dim(dim: int, rows: int, width: int) -> None:
    if not 1 <= dim <= min(width, rows - 1):
        raise ModelError(
            f"expected whitening to between 1 and min(D, N - 1) = {min(width, rows - 1)} dimensions, "
            f"found {dim} from {rows} descriptors of {width}. Give more pictures or fewer dimensions."
        )


def _scaled(
    directions: np.ndarray, deviation: np.ndarray, mean: np.ndarray, floor: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weight and bias of directions (dim x D) with these standard deviations."""
    dim = len(directions)
    if deviation[-1] ** 2 <= floor * deviation[0] ** 2:
        raise ModelError(
            f"expected descriptors that vary in {dim} directions, found fewer. "
            "Give more varied pictures, or ask for fewer dimensions."
        )
    weight = directions / deviation[:, None]
    return weight.astype(np.float32), (-weight @ mean).astype(np.float32)
