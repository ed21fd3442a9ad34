"""`PlaneMap`: from points of one plane to those of another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

import numpy as np

from lofivpr.alignment.trajectory import Floats

Kind = Literal["similarity", "affine"]
Row = tuple[float, float, float]


@dataclass(frozen=True)
class PlaneMap:
    """target = A source + t, in two dimensions; `rows` are those of [A | t].

    A similarity turns, scales and shifts (4 numbers); an affine map also shears and stretches (6), as a plan that
    was scanned or drawn askew needs.
    """

    kind: Kind
    rows: tuple[Row, Row]

    @classmethod
    def of(cls, kind: Kind, matrix: Floats) -> PlaneMap:
        """From a 2 x 3 matrix."""
        first, second = (cast(Row, tuple(float(value) for value in row)) for row in matrix)
        return cls(kind, (first, second))

    @property
    def linear(self) -> Floats:
        """A, float64 2 x 2."""
        return np.array(self.rows)[:, :2]

    def apply(self, points: Floats) -> Floats:
        """Points N x 2."""
        return cast(Floats, points @ self.linear.T + np.array(self.rows)[:, 2])

    def headings(self, directions: Floats) -> Floats:
        """Headings of directions of the source (N x 2) on the target: degrees clockwise from its y axis, 0 <= h < 360.

        NaN stays NaN.
        """
        turned = directions @ self.linear.T
        return cast(Floats, np.degrees(np.arctan2(turned[:, 0], turned[:, 1])) % 360)

    @property
    def scale(self) -> float:
        """Target units in one source unit: the root of the factor by which areas grow."""
        return float(np.sqrt(abs(np.linalg.det(self.linear))))

    @property
    def rotation_deg(self) -> float:
        """Degrees by which the source's x axis is turned, to the left (from x to y)."""
        return float(np.degrees(np.arctan2(self.linear[1, 0], self.linear[0, 0])))

    @property
    def mirrored(self) -> bool:
        """Does it turn left into right? Two views from above never do: some pair is wrong."""
        return bool(np.linalg.det(self.linear) < 0)
