"""From pictures of any size to the one array a model reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from lofivpr.errors import LofiError

# Pillow's are antialiased when shrinking: what torchvision does to a PIL picture, so what most published
# models saw in training.
PILLOW = {"bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}
INTERPOLATIONS = ("linear-or-area", *PILLOW)


@dataclass(frozen=True)
class Preprocessing:
    """Resize to `size`, then `(pixel * scale - mean) / std` for each of R, G, B.

    `size` is (width, height) in pixels: the order of OpenCV and of `320x240`. The interpolation
    "linear-or-area" averages areas when neither side grows and is bilinear otherwise; "bilinear" and
    "bicubic" are Pillow's, for published models that were trained with them. All work on 8-bit values and
    the aspect is not kept: the whole picture is always seen.
    """

    size: tuple[int, int]
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    scale: float = 1 / 255
    interpolation: str = "linear-or-area"

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 1:
            raise LofiError(f"expected size = (width, height) in pixels, both at least 1, found {self.size}.")
        if len(self.mean) != 3 or len(self.std) != 3 or min(self.std) <= 0 or self.scale <= 0:
            raise LofiError(
                f"expected three means, three positive deviations and a positive scale, "
                f"found mean={self.mean}, std={self.std}, scale={self.scale}."
            )
        if self.interpolation not in INTERPOLATIONS:
            raise LofiError(f"expected the interpolation {' or '.join(INTERPOLATIONS)}, found {self.interpolation!r}.")

    @property
    def factor_and_offset(self) -> tuple[np.ndarray, np.ndarray]:
        """float32 3 x 1 x 1 each: what a model reads is `pixel * factor - offset`."""
        factor, offset = self.scale / np.asarray(self.std), np.asarray(self.mean) / np.asarray(self.std)
        return factor.astype(np.float32)[:, None, None], offset.astype(np.float32)[:, None, None]

    def resize(self, image: np.ndarray) -> np.ndarray:
        """Bring one uint8 H x W x 3 picture to the model's size (uint8 height x width x 3).

        Raises:
            LofiError: not a uint8 H x W x 3 array.
        """
        if getattr(image, "dtype", None) != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
            found = f"{getattr(image, 'dtype', type(image).__name__)} {getattr(image, 'shape', '')}"
            raise LofiError(f"expected a picture as uint8 height x width x 3 (RGB), found {found}. Use open_image.")
        width, height = self.size
        if image.shape[:2] == (height, width):
            return image
        if self.interpolation in PILLOW:
            return np.asarray(Image.fromarray(image).resize((width, height), PILLOW[self.interpolation]))
        shrinks = image.shape[1] >= width and image.shape[0] >= height
        # OpenCV takes (width, height), numpy's shape is (height, width).
        method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        return cv2.resize(image, (width, height), interpolation=method)

    def to_array(self, images: Sequence[np.ndarray]) -> np.ndarray:
        """Turn uint8 H x W x 3 RGB pictures into one float32 array N x 3 x height x width.

        Raises:
            LofiError: a picture that is not uint8 H x W x 3.
        """
        width, height = self.size
        batch = np.empty((len(images), 3, height, width), dtype=np.float32)
        factor, offset = self.factor_and_offset
        for row, image in zip(batch, images, strict=True):
            np.multiply(self.resize(image).transpose(2, 0, 1), factor, out=row)
            row -= offset
        return batch
