"""What an encoder was set to, guessed from what arrived: for models that look at the quality of a picture."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from lofivpr.quality import Quality
from lofivpr.serving.packets import VIDEO_CODECS

# Luminance of ITU-T T.81, table K.1, which libjpeg scales by its quality.
_LUMINANCE = (
    *(16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56, 14, 17, 22, 29),
    *(51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113, 92, 49, 64, 78, 87, 103, 121),
    *(120, 101, 72, 92, 95, 98, 112, 100, 103, 99),
)
_FPS = 30  # that a bit rate without a frame rate counts for


def jpeg_quality(table: Sequence[int]) -> int:
    """The libjpeg quality, 1 to 100, whose luminance table has the sum nearest to that of `table` (64 numbers)."""
    return int(np.argmin(np.abs(_sums() - sum(table)))) + 1


def estimated_quality(
    codec: str, size: tuple[int, int], bits_per_pixel: float, luminance: Sequence[int] | None = None
) -> Quality:
    """The quality of a picture of `size` (width, height): of JPEG the setting, of video the bit rate, else the size.

    Args:
        codec: as `Seen` names it.
        size: in pixels.
        bits_per_pixel: of a stream the mean over its frames.
        luminance: the first quantization table of a JPEG file.
    """
    width, height = size
    if codec == "jpeg" and luminance is not None and len(luminance) == 64:
        return Quality(width, height, "jpeg", "q", jpeg_quality(luminance))
    if codec in VIDEO_CODECS:
        kbps = round(bits_per_pixel * width * height * _FPS / 1000)
        return Quality(width, height, codec, "kbps", min(max(1, kbps), 1_000_000))
    return Quality(width, height)


@cache
def _sums() -> np.ndarray:
    """Sum of the luminance table at each quality from 1 to 100."""
    base = np.array(_LUMINANCE)
    scales = [5000 // q if q < 50 else 200 - 2 * q for q in range(1, 101)]
    return np.array([np.clip((base * scale + 50) // 100, 1, 255).sum() for scale in scales])
