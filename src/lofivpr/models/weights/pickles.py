"""Pickles of tensors, read without running anything in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.dtypes import Float32DType, Float64DType, Int64DType

# A checkpoint often keeps its recalls as NumPy numbers, which torch's reader refuses unless told that they are
# harmless. Both names of the function that makes one: NumPy 2 moved it.
_SCALAR = np._core.multiarray.scalar  # type: ignore[attr-defined]
_HARMLESS: list[Any] = [
    *((_SCALAR, f"numpy.{module}.multiarray.scalar") for module in ("core", "_core")),
    *(np.dtype, Float32DType, Float64DType, Int64DType),
]


def load_pickle(path: Path) -> Any:
    """What a pickle of plain values and tensors holds; on the CPU. Raises whatever torch's reader raises."""
    with torch.serialization.safe_globals(_HARMLESS):
        return torch.load(path, map_location="cpu", weights_only=True)
