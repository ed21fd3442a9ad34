"""The quality that a query arrived in, as far as the server can see it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lofivpr.maps.evidence import SeenQuality
from lofivpr.media import BadImageError
from lofivpr.media.open import decode_image
from lofivpr.quality import PictureFile, Quality, estimate_quality
from lofivpr.quality.grammar import is_lossy

# What media opens. Nothing else is tried: Pillow's other readers are many, and one of them starts a program.
STILLS = ("JPEG", "PNG", "WEBP", "AVIF", "TIFF", "BMP")
_FOR_COMMANDS = ", or leave it out with --skip-bad"


@dataclass(frozen=True)
class Seen:
    """Codec, size in pixels and bytes of a query; None where there was no picture.

    `bits_per_pixel` is that of the picture itself for a still, and the mean of the last frames for a stream, whose
    key frames cost many times what the others do. `quality`: the encoder's setting as far as it can be guessed.
    """

    codec: str | None
    width: int | None
    height: int | None
    n_bytes: int
    bits_per_pixel: float | None
    quality: Quality | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        bits = None if self.bits_per_pixel is None else round(self.bits_per_pixel, 5)
        size = {"width": self.width, "height": self.height}
        quality = None if self.quality is None else str(self.quality)
        return {"codec": self.codec, **size, "bytes": self.n_bytes, "bits_per_pixel": bits, "quality": quality}

    @property
    def for_calibration(self) -> SeenQuality:
        """The same as the calibration knows it: lossless files count as pictures that were never encoded."""
        lossy = is_lossy(self.codec)
        return SeenQuality(self.codec if lossy else None, self.height, self.bits_per_pixel if lossy else None)


def seen_of(
    codec: str,
    size: tuple[int, int],
    n_bytes: int,
    mean_bytes: float | None = None,
    quality: Quality | None = None,
) -> Seen:
    """What was seen of a picture of `size` (width, height), at `quality` if that is known."""
    bits = 8 * (n_bytes if mean_bytes is None else mean_bytes) / (size[0] * size[1])
    lossy = codec if is_lossy(codec) else None
    return Seen(codec, size[0], size[1], n_bytes, bits, quality or estimate_quality(lossy, size, n_bytes))


def open_still(data: bytes, max_pixels: int) -> tuple[np.ndarray, Seen]:
    """Decode a picture file from outside: uint8 H x W x 3 RGB, upright, and the quality seen.

    Raises:
        BadImageError: no picture of a format in `STILLS`, damaged, or more than `max_pixels`.
    """
    file = PictureFile.read(data, STILLS)
    if file is None:
        raise BadImageError(
            f"expected a picture as {', '.join(STILLS)}, found {len(data)} bytes of something else. Send such a file."
        )
    try:
        image = decode_image(data, "the query", max_pixels)
    except BadImageError as error:
        raise BadImageError(str(error).replace(_FOR_COMMANDS, "")) from error
    size = image.shape[1], image.shape[0]
    return image, seen_of(file.codec, size, len(data), quality=file.quality(size))
