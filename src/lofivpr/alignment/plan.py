"""`Plan`: a picture of the floor or a map, and its pixels in metres."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lofivpr.alignment.trajectory import AlignmentError, Floats

Point = tuple[float, float]


@dataclass(frozen=True)
class Plan:
    """A picture seen from above.

    Its pixels are counted from the upper left corner of the picture, column to the right and row down; the middle
    of the first pixel is at (0.5, 0.5). Its metres are counted from the lower left corner, x to the right and y to
    the top, so that left and right are those of the floor.

    Attributes:
        width, height: in pixels.
        metres_per_pixel: None while it is not known; then a pixel counts as a metre.

    Raises:
        AlignmentError: a size or a scale that is not positive.
    """

    width: int
    height: int
    metres_per_pixel: float | None = None

    def __post_init__(self) -> None:
        scale = 1.0 if self.metres_per_pixel is None else self.metres_per_pixel
        if min(self.width, self.height) < 1 or not (np.isfinite(scale) and scale > 0):
            raise AlignmentError(
                f"expected a plan with pixels of a positive size, found {self.width} x {self.height} at {scale} m."
            )

    @property
    def unit(self) -> str:
        """`m`, or `px` while the scale is not known."""
        return "px" if self.metres_per_pixel is None else "m"

    @property
    def scale(self) -> float:
        """Units in one pixel."""
        return 1.0 if self.metres_per_pixel is None else self.metres_per_pixel

    def to_units(self, pixels: npt.ArrayLike) -> Floats:
        """Pixels (column, row), N x 2, in units."""
        columns, rows = np.asarray(pixels, dtype=np.float64).reshape(-1, 2).T
        return np.column_stack([columns, self.height - rows]) * self.scale

    def to_pixels(self, xy: Floats) -> Floats:
        """Units N x 2 in pixels (column, row)."""
        columns, up = (np.asarray(xy, dtype=np.float64) / self.scale).T
        return np.column_stack([columns, self.height - up])


def metres_per_pixel(first: Point, second: Point, metres: float) -> float:
    """The scale of a plan on which two points (column, row) are known to be so many metres apart.

    Raises:
        AlignmentError: the same point twice, or a distance that is not positive.
    """
    pixels = float(np.hypot(first[0] - second[0], first[1] - second[1]))
    if not (pixels > 0 and np.isfinite(metres) and metres > 0):
        raise AlignmentError(
            f"expected two points and a positive distance between them, found {pixels:g} pixels and {metres:g} m."
        )
    return metres / pixels
