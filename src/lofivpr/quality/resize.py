"""Shrinking a picture; nothing here enlarges."""

from __future__ import annotations

import av
import cv2
import numpy as np


def resize(image: np.ndarray, size: tuple[int, int], scaler: str = "area") -> np.ndarray:
    """Shrink uint8 H x W x 3 to `size` (width, height); the picture itself where the size is the same.

    `area` is OpenCV's INTER_AREA: the mean over each pixel's area, free of aliasing. `bicubic` is swscale's,
    as in the paper's FFmpeg runs.
    """
    height, width = image.shape[:2]
    if size == (width, height):
        return image
    if scaler == "area":
        return cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
    small = frame.reformat(width=size[0], height=size[1], format="rgb24", interpolation=scaler.upper())
    return small.to_ndarray()
