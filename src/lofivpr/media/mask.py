"""Masks: what of a picture must not be seen, such as the person who carries a 360-degree camera."""

from __future__ import annotations

import cv2
import numpy as np

from lofivpr.media.ref import BadImageError

HIDDEN = 128  # mid-grey: costs few bytes, and says nothing to a model


def hidden_pixels(mask: np.ndarray) -> np.ndarray:
    """Where a mask (uint8 H x W x 3) hides: bool H x W, True where it is black (stella_vslam's and COLMAP's way)."""
    return cv2.cvtColor(mask, cv2.COLOR_RGB2GRAY) < 128


def hide(image: np.ndarray, hidden: np.ndarray, name: str) -> np.ndarray:
    """A copy of the picture, grey where it is hidden.

    Args:
        image: uint8 H x W x 3.
        hidden: bool H' x W', of the same shape, of any size. name: of the mask, for messages.

    Raises:
        BadImageError: a mask of another shape.
    """
    height, width = image.shape[:2]
    if abs(hidden.shape[1] * height - hidden.shape[0] * width) > 0.01 * hidden.shape[1] * height:
        raise BadImageError(
            f"expected a mask of the shape of {width} x {height} pixels, found {hidden.shape[1]} x "
            f"{hidden.shape[0]}: {name}. Draw it over a frame of the clip."
        )
    out = image.copy()
    out[cv2.resize(hidden.view(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST) > 0] = HIDDEN
    return out
