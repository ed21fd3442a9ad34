"""What a search finds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Neighbours:
    """The nearest database rows of each query, nearest first.

    `indices`: int64 Q x k rows of the database, -1 where there are fewer than k. `distances`: float32
    Q x k squared L2 distances, infinite where the index is -1.
    """

    indices: np.ndarray
    distances: np.ndarray

    def __post_init__(self) -> None:
        indices, distances = self.indices, self.distances
        if indices.ndim != 2 or indices.shape != distances.shape:
            raise ValueError(f"expected two Q x k arrays, found {indices.shape} and {distances.shape}")
        if indices.dtype != np.int64 or distances.dtype != np.float32:
            raise ValueError(f"expected int64 and float32, found {indices.dtype} and {distances.dtype}")
        if (indices < -1).any() or not np.array_equal(indices == -1, np.isinf(distances)):
            raise ValueError("expected infinite distances exactly where the index is -1, no index below -1")
        # Compared, not subtracted: the difference of two infinities is NaN.
        if np.isnan(distances).any() or (distances[:, 1:] < distances[:, :-1]).any():
            raise ValueError("expected distances that do not decrease along a row")

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def k(self) -> int:
        """How many neighbours were asked for."""
        return self.indices.shape[1]
