"""What a picture file tells of the quality that it came in."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from lofivpr.media import BadImageError
from lofivpr.quality.estimate import estimate_quality, jpeg_quality
from lofivpr.quality.grammar import is_lossy
from lofivpr.quality.quality import Quality


@dataclass(frozen=True)
class PictureFile:
    """How a picture file is coded, by its head; the name of the file is not looked at.

    Attributes:
        codec: the format as Pillow calls it, in lower case: `jpeg`, `webp`, `avif`, `png`, `tiff`, ...
        n_bytes: of the file.
        luminance: the 64 numbers of a JPEG's first quantization table, else None.
    """

    codec: str
    n_bytes: int
    luminance: tuple[int, ...] | None = None

    @classmethod
    def read(cls, data: bytes, formats: tuple[str, ...] | None = None) -> PictureFile | None:
        """Of the bytes of a file; None where they are no picture of `formats` (Pillow's names; None = any).

        Raises:
            BadImageError: more pixels than Pillow would open.
        """
        try:
            with Image.open(io.BytesIO(data), formats=formats) as header:
                codec = (header.format or "").lower()
                table = getattr(header, "quantization", {}).get(0)
        except Image.DecompressionBombError as error:
            raise BadImageError("expected a picture of fewer pixels, found far too many. Shrink it.") from error
        except Exception:  # readers of damaged heads raise many kinds; whoever decodes it says what it is
            return None
        codec = "jpeg" if codec == "mpo" else codec  # what some telephones write: a JPEG with more of them behind
        return cls(codec, len(data), tuple(table) if codec == "jpeg" and table else None) if codec else None

    @property
    def is_lossy(self) -> bool:
        """Is it coded by a codec that loses something?"""
        return is_lossy(self.codec)

    def quality(self, size: tuple[int, int]) -> Quality:
        """What its encoder was set to: of a JPEG as its table says, else as `estimate_quality` guesses.

        `size`: width and height of the picture, upright.
        """
        if self.luminance is not None:
            return Quality(*size, "jpeg", "q", jpeg_quality(self.luminance))
        return estimate_quality(self.codec if self.is_lossy else None, size, self.n_bytes)
