"""PCA whitening of descriptors."""

from __future__ import annotations

import numpy as np

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
    if not 1 <= dim <= min(width, rows - 1):
        raise ModelError(
            f"expected whitening to between 1 and min(D, N - 1) = {min(width, rows - 1)} dimensions, "
            f"found {dim} from {rows} descriptors of {width}. Give more pictures or fewer dimensions."
        )
    mean = descriptors.mean(axis=0, dtype=np.float64)
    centred = descriptors.astype(np.float64) - mean
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    deviation = singular[:dim] / np.sqrt(rows - 1)
    if deviation[-1] ** 2 <= floor * deviation[0] ** 2:
        raise ModelError(
            f"expected descriptors that vary in {dim} directions, found fewer. "
            "Give more varied pictures, or ask for fewer dimensions."
        )
    weight = directions[:dim] / deviation[:, None]
    return weight.astype(np.float32), (-weight @ mean).astype(np.float32)
