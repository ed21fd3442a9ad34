"""The quality of a picture that arrived without its name, from what a receiver knows: codec, size and bytes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np

from lofivpr.quality.grammar import CODECS, QualityError
from lofivpr.quality.quality import Quality

# Mean log2 of bits per pixel of street photographs, as 320 x 240 and as 160 x 120, at some settings of each codec.
# Single pictures lie about 0.4 around it (JPEG: 0.2), which is two steps of a quantizer.
_BITS: dict[str, tuple[str, tuple[int, ...], tuple[float, ...], tuple[float, ...]]] = {
    "jpeg": ("q", (5, 10, 20, 40, 70), (-1.81, -1.30, -0.70, -0.09, 0.56), (-0.98, -0.63, -0.17, 0.34, 0.92)),
    "webp": ("q", (1, 10, 30, 60, 80), (-2.33, -1.50, -0.72, -0.04, 0.54), (-1.85, -1.03, -0.27, 0.37, 0.92)),
    "avif": ("q", (10, 30, 50, 70), (-2.59, -1.58, -0.40, 0.60), (-1.75, -1.03, -0.01, 0.95)),
    "h264": ("qp", (24, 30, 36, 42, 48), (0.46, -0.45, -1.55, -2.76, -3.97), (0.83, -0.02, -1.08, -2.26, -3.37)),
    "h265": ("qp", (24, 30, 36, 42, 48), (0.42, -0.50, -1.61, -2.84, -4.19), (0.80, -0.07, -1.11, -2.28, -3.37)),
    "av1": ("crf", (25, 35, 45, 55, 63), (0.02, -0.96, -2.19, -3.61, -5.61), (0.42, -0.53, -1.75, -3.18, -4.92)),
    "vp9": ("crf", (25, 35, 45, 55, 63), (1.59, 0.98, 0.14, -0.90, -2.04), (1.91, 1.32, 0.52, -0.48, -1.59)),
}

# Luminance of ITU-T T.81, table K.1, which libjpeg scales by its quality.
_LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29),
    *(51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121),
    *(120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)


def estimate_quality(codec: str | None, size: tuple[int, int], n_bytes: int) -> Quality:
    """The likeliest quality of an intra-coded picture, as right as pictures are alike.

    Of streets it is right to about two steps of a quantizer; a bare wall, which takes few bytes at any setting, is
    held for coded more coarsely than it was, by some five steps.

    Args:
        codec: as in a quality's text; None = none is known, only the size. PNG keeps what it is given.
        size: width and height in pixels. n_bytes: of the coded picture.

    Returns:
        A quality with the picture's height, and a setting within the range of the settings measured.

    Raises:
        QualityError: an unknown codec, or a size or number of bytes below 1.
    """
    width, height = size
    if min(width, height, n_bytes) < 1 or (codec is not None and codec not in CODECS):
        raise QualityError(
            f"expected a codec out of {', '.join(CODECS)} and sizes of at least 1, "
            f"found {codec!r}, {width} x {height} pixels and {n_bytes} bytes."
        )
    if codec is None or codec not in _BITS:
        return Quality(height=height)
    mode, settings, at_240, at_120 = _BITS[codec]
    octaves = math.log2(min(max(height, 60), 480) / 240)  # smaller pictures need more bits for each pixel
    expected = np.array(at_240) + octaves * (np.array(at_240) - np.array(at_120))
    order = np.argsort(expected)
    bits = math.log2(8 * n_bytes / (width * height))
    setting = round(float(np.interp(bits, expected[order], np.array(settings)[order])))
    return Quality(height=height, codec=codec, mode=mode, value=setting)


def jpeg_quality(table: Sequence[int]) -> int:
    """The libjpeg quality, 1 to 100, whose luminance table has the sum nearest to that of a file's (64 numbers)."""
    return int(np.argmin(np.abs(_luminance_sums() - sum(table)))) + 1


@cache
def _luminance_sums() -> np.ndarray:
    """Sum of the luminance table at each quality from 1 to 100."""
    base = np.array(_LUMINANCE)
    scales = [5000 // q if q < 50 else 200 - 2 * q for q in range(1, 101)]
    return np.array([np.clip((base * scale + 50) // 100, 1, 255).sum() for scale in scales])
