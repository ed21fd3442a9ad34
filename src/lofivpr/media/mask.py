"""Masks: what of a picture must not be seen, such as the person who carries a 360-degree camera."""

from __future__ import annotations

import functools
import os

import cv2
import numpy as np
from PIL import Image, UnidentifiedImageError

from lofivpr.media.ref import BadImageError

HIDDEN = 128  # mid-grey: costs few bytes, and says nothing to a model


def hide(image: np.ndarray, path: str) -> np.ndarray:
    """A copy of the picture, grey where the mask is black (stella_vslam's and COLMAP's convention).

    Args:
        image: uint8 H x W x 3.
        path: of the mask, a picture of the same shape, of any size.

    Raises:
        BadImageError: no such mask, or one of another shape.
    """
    hidden = _hidden(path, os.stat(path).st_mtime_ns if os.path.exists(path) else 0, image.shape[1], image.shape[0])
    out = image.copy()
    out[hidden] = HIDDEN
    return out


@functools.lru_cache(maxsize=4)
def _hidden(path: str, mtime_ns: int, width: int, height: int) -> np.ndarray:
    """Bool H x W, True where nothing is to be seen."""
    try:
        with Image.open(path) as file:
            mask = np.asarray(file.convert("L"))
    except (OSError, UnidentifiedImageError, ValueError, Image.DecompressionBombError) as error:
        reason = getattr(error, "strerror", None) or "no picture"
        raise BadImageError(f"expected a mask at {path}, found: {reason}. White is seen, black is hidden.") from error
    if abs(mask.shape[1] * height - mask.shape[0] * width) > 0.01 * mask.shape[1] * height:
        raise BadImageError(
            f"expected a mask of the shape of {width} x {height} pixels, found {mask.shape[1]} x {mask.shape[0]}: "
            f"{path}. Draw it over a frame of the clip."
        )
    return cv2.resize(mask, (width, height), interpolation=cv2.INTER_NEAREST) < 128
