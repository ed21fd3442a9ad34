"""RGB to planar 4:2:0 and back, written out so that no library's default decides it.

BT.601 limited range (the default of FFmpeg and of video without a colour description); a chroma sample is
the mean of its 2 x 2 pixels, and is interpolated linearly on the way back.
"""

from __future__ import annotations

import cv2
import numpy as np

COLOUR = "BT.601 limited range, 4:2:0, chroma = mean of 2 x 2, linear on the way back"

_FULL = np.array(
    [
        [0.299, 0.587, 0.114],
        [-0.168735892, -0.331264108, 0.5],
        [0.5, -0.418687589, -0.081312411],
    ]
)
_TO_YUV = np.hstack([_FULL * np.array([[219], [224], [224]]) / 255, [[16.0], [128.0], [128.0]]])
_INVERSE = np.linalg.inv(_TO_YUV[:, :3])
_TO_RGB = np.hstack([_INVERSE, -_INVERSE @ _TO_YUV[:, 3:]])


def to_yuv420(image: np.ndarray) -> np.ndarray:
    """uint8 H x W x 3 RGB (even sizes) -> uint8 (3 H / 2) x W: the planes Y, U, V one after another."""
    height, width = image.shape[:2]
    y, u, v = cv2.split(cv2.transform(np.ascontiguousarray(image), _TO_YUV))
    half = (width // 2, height // 2)
    chroma = [cv2.resize(plane, half, interpolation=cv2.INTER_AREA).reshape(-1) for plane in (u, v)]
    return np.concatenate([y.reshape(-1), *chroma]).reshape(height * 3 // 2, width)


def from_yuv420(planes: np.ndarray) -> np.ndarray:
    """uint8 (3 H / 2) x W planes -> uint8 H x W x 3 RGB."""
    rows, width = planes.shape
    height = rows * 2 // 3
    flat, size = planes.reshape(-1), height * width
    u, v = flat[size:].reshape(2, height // 2, width // 2)
    chroma = [cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR) for plane in (u, v)]
    return cv2.transform(cv2.merge([flat[:size].reshape(height, width), *chroma]), _TO_RGB)
