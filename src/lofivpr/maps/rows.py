"""Descriptors that a map is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np

CHUNK = 4096


class Rows(Protocol):
    """Descriptors of a list of pictures; fulfilled by `DescriptorStore`."""

    @property
    def dimension(self) -> int:
        """Numbers in a descriptor."""

    @property
    def ok(self) -> np.ndarray:
        """bool N: whether a row holds a descriptor."""

    def __len__(self) -> int: ...

    def blocks(self) -> Iterator[np.ndarray]:
        """n x D descriptors, in order."""
        ...

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """float32 n x D descriptors of some rows."""
        ...


@dataclass(frozen=True, eq=False)
class ArrayRows:
    """Descriptors in an array, N x D floats; one that is mapped into memory is read a part at a time."""

    array: np.ndarray

    @property
    def dimension(self) -> int:
        """Numbers in a descriptor."""
        return int(self.array.shape[1])

    @property
    def ok(self) -> np.ndarray:
        """bool N: all True."""
        return np.ones(len(self.array), bool)

    def __len__(self) -> int:
        return len(self.array)

    def blocks(self) -> Iterator[np.ndarray]:
        """n x D descriptors, in order."""
        for start in range(0, len(self.array), CHUNK):
            yield self.array[start : start + CHUNK]

    def rows(self, indices: np.ndarray) -> np.ndarray:
        """float32 n x D descriptors of some rows."""
        return np.asarray(self.array[indices], np.float32)
