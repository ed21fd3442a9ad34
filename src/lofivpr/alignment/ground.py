"""Where a plan lies, and what its positions are called in a table of places."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from lofivpr.alignment.trajectory import AlignmentError, Floats
from lofivpr.places import LocalFrame


@dataclass(frozen=True)
class Ground:
    """A plane in metres, x to the right and y to the top of the plan.

    Attributes:
        frame: where on earth the plan's origin lies; None leaves metres in a frame of their own (zone `local`), in
            which the top of the plan counts as north.
        up_deg: the heading of the plan's y axis, in degrees clockwise from north.

    Raises:
        AlignmentError: a heading of a plan that lies nowhere.
    """

    frame: LocalFrame | None = None
    up_deg: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite(self.up_deg) or (self.frame is None and self.up_deg != 0):
            raise AlignmentError(
                f"expected the heading of the plan's top beside its place on earth, found {self.up_deg} alone. "
                "Say where its lower left corner lies, too."
            )

    def columns(self, xy: Floats, headings: Floats) -> dict[str, Any]:
        """Columns of places for points (metres, N x 2) and headings (degrees clockwise from the plan's top, N).

        A NaN is a position, or a heading, that is not known.
        """
        if self.frame is None:
            zone = ["local" if np.isfinite(point).all() else None for point in xy]
            return {"easting": xy[:, 0], "northing": xy[:, 1], "zone": zone, "heading_deg": headings}
        turn = np.radians(self.up_deg)
        east = xy[:, 0] * np.cos(turn) + xy[:, 1] * np.sin(turn)
        north = xy[:, 1] * np.cos(turn) - xy[:, 0] * np.sin(turn)
        degrees = np.full(xy.shape, np.nan)
        known = np.isfinite(xy).all(axis=1)
        degrees[known] = self.frame.inverse(np.column_stack([east, north])[known])
        return {"lat": degrees[:, 0], "lon": degrees[:, 1], "heading_deg": (headings + self.up_deg) % 360}
