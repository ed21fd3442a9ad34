"""Still pictures by Pillow: JPEG, WebP, AVIF and PNG files with explicit settings."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from lofivpr.quality.grammar import QualityError

# Everything that decides the bytes is written here, because these settings are part of the digest.
SETTINGS: dict[str, dict[str, Any]] = {
    "jpeg": {"format": "JPEG", "subsampling": "4:2:0", "optimize": False, "progressive": False},
    "webp": {"format": "WEBP", "lossless": False, "method": 4, "exact": False},  # VP8 is always 4:2:0
    "avif": {"format": "AVIF", "subsampling": "4:2:0", "speed": 8, "codec": "aom", "max_threads": 1},
    "png": {"format": "PNG", "compress_level": 6, "optimize": False},
}


def encode_file(image: np.ndarray, codec: str, value: int | None) -> bytes:
    """The bytes of a picture file.

    Args:
        image: uint8 H x W x 3 RGB.
        codec: `jpeg`, `webp`, `avif` or `png`.
        value: Pillow's quality; None for `png`.

    Raises:
        QualityError: the encoder is missing from this Pillow, or refuses the picture (WebP: 16383 pixels).
    """
    settings = dict(SETTINGS[codec])
    if value is not None:
        settings["quality"] = value
    out = io.BytesIO()
    try:
        Image.fromarray(image).save(out, **settings)
    except (OSError, ValueError, KeyError) as error:
        height, width = image.shape[:2]
        raise QualityError(
            f"expected to encode {width} x {height} pixels as {codec}, found: {error}. "
            "Use another codec or a smaller resolution, or a Pillow built with it."
        ) from error
    return out.getvalue()


def decode_file(data: bytes, codec: str) -> np.ndarray:
    """uint8 H x W x 3 RGB of the bytes of a picture file.

    Raises:
        QualityError: the bytes are no whole picture of this codec.
    """
    try:
        with Image.open(io.BytesIO(data), formats=[SETTINGS[codec]["format"]]) as image:
            return np.array(image.convert("RGB"))
    except Exception as error:  # decoders of damaged files raise OSError, SyntaxError, ...
        raise QualityError(
            f"expected the bytes of a whole {codec} picture, found: {error}. Encode it again."
        ) from error
