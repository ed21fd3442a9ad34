"""Which places may be found: near a point, looking one way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.places import heading_difference
from lofivpr.places.geodesy import geocentric

TOLERANCE_DEG = 60.0
"""Default: beyond it, two pictures of a usual field of view share little."""


@dataclass(frozen=True)
class Filter:
    """What a client knows of where it is. Limits are inclusive.

    `near`: latitude and longitude in degrees (x and y in metres where the map's positions are local), with
    `radius_m`. `heading`: degrees clockwise from north; places that know no heading are not ruled out by it.
    """

    near: tuple[float, float] | None = None
    radius_m: float | None = None
    heading: float | None = None
    tolerance_deg: float = TOLERANCE_DEG

    def __post_init__(self) -> None:
        if (self.near is None) != (self.radius_m is None):
            raise LofiError(
                f"expected near and radius together, found near {self.near} and radius {self.radius_m}. Give both."
            )
        numbers = [*(self.near or ()), self.radius_m or 0.0, self.heading or 0.0, self.tolerance_deg]
        if not np.isfinite(numbers).all() or (self.radius_m or 0.0) < 0 or self.tolerance_deg < 0:
            raise LofiError(f"expected finite numbers, radius and tolerance of at least 0, found {self}.")

    @property
    def is_empty(self) -> bool:
        """Whether it lets every place through."""
        return self.near is None and self.heading is None

    def mask(self, points: np.ndarray, headings: np.ndarray, on_earth: bool) -> np.ndarray:
        """bool N: the places that may be found.

        Args:
            points: float64 N x 3, see `Places.points`.
            headings: float64 N, degrees, NaN where there is none.
            on_earth: whether positions are latitudes and longitudes.
        """
        mask = np.ones(len(points), bool)
        if self.near is not None and self.radius_m is not None:
            mask &= ((points - self._centre(on_earth)) ** 2).sum(axis=1) <= self.radius_m**2
        if self.heading is not None:
            mask &= ~(heading_difference(headings, self.heading) > self.tolerance_deg)
        return mask

    def _centre(self, on_earth: bool) -> np.ndarray:
        assert self.near is not None
        a, b = self.near
        if not on_earth:
            return np.array([a, b, 0.0])
        if not (-90 <= a <= 90 and -180 <= b <= 180):
            raise LofiError(f"expected near as latitude and longitude in degrees, found {a}, {b}.")
        return geocentric(np.array([a]), np.array([b]))[0]
