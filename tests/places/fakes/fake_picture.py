"""A picture of a few bytes at a path, for all fakes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image


def write_picture(path: Path, exif: Image.Exif | None = None) -> Path:
    """A small picture whose content follows from its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(list(path.name.encode())).integers(0, 256, (3, 4, 3), np.uint8)
    Image.fromarray(pixels).resize((16, 12)).save(path, **({} if exif is None else {"exif": exif}))
    return path
