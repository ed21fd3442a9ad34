"""Perspective views of 360-degree panoramas."""

from __future__ import annotations

import functools
import math

import cv2
import numpy as np

from lofivpr.media.ref import BadImageError


def perspective_view(
    panorama: np.ndarray,
    yaw: float,
    pitch: float = 0.0,
    fov: float = 90.0,
    size: tuple[int, int] | None = None,
) -> np.ndarray:
    """The picture that a pinhole camera in the centre of an equirectangular panorama takes.

    Args:
        panorama: uint8 H x 2H x 3; its columns are longitudes -180..180 degrees, its rows latitudes 90..-90.
        yaw: degrees to the right of the panorama's middle column.
        pitch: degrees upwards.
        fov: horizontal field of view in degrees, 1..170.
        size: width and height in pixels; by default 4:3 with the panorama's own pixels per radian
            in the middle of the view (nothing is enlarged there).

    Returns:
        uint8 h x w x 3, bilinear (OpenCV remap).

    Raises:
        BadImageError: the picture is not twice as wide as high.
    """
    height, width = panorama.shape[:2]
    if abs(width - 2 * height) > 0.02 * width:
        raise BadImageError(
            f"expected an equirectangular panorama (twice as wide as high), found {width} x {height}. "
            "Remove yaw, pitch and fov from the reference, or pad the panorama to 2:1."
        )
    x, y = _positions(width, height, size or default_size(width, fov), pitch, fov)
    x = (x + np.float32(yaw % 360 / 360 * width)) % np.float32(width)
    # Wrapping holds for columns only; rows are clipped, so that a pole never meets the other one.
    return cv2.remap(panorama, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)


def default_size(panorama_width: int, fov: float) -> tuple[int, int]:
    """Width and height (4:3, even) of a view at the panorama's resolution, in pixels."""
    width = panorama_width / math.pi * math.tan(math.radians(fov) / 2)
    even = max(2, 2 * round(width / 2))
    return even, max(2, 2 * round(even * 3 / 8))


@functools.lru_cache(maxsize=4)
def _positions(
    width: int, height: int, size: tuple[int, int], pitch: float, fov: float
) -> tuple[np.ndarray, np.ndarray]:
    """Where in a panorama of `width` x `height` the pixels of a view at yaw 0 lie: columns, rows, float32 h x w.

    They are kept: the views of a clip are alike but for their yaw, which moves columns.
    """
    longitude, latitude = _directions(*size, pitch, fov)
    x = (longitude / (2 * math.pi) + 0.5) * width - 0.5
    y = np.clip((0.5 - latitude / math.pi) * height - 0.5, 0, height - 1)
    return x.astype(np.float32), y.astype(np.float32)


def _directions(width: int, height: int, pitch: float, fov: float) -> tuple[np.ndarray, np.ndarray]:
    """Longitude and latitude (radians, height x width) of the ray through the centre of each pixel, at yaw 0."""
    focal = width / 2 / math.tan(math.radians(fov) / 2)
    right = (np.arange(width) + 0.5 - width / 2)[None, :] / focal
    up = (height / 2 - np.arange(height) - 0.5)[:, None] / focal
    tilt = math.radians(pitch)
    forward = math.cos(tilt) - up * math.sin(tilt)
    upward = math.sin(tilt) + up * math.cos(tilt)
    return np.arctan2(right, forward), np.arctan2(upward, np.hypot(right, forward))
