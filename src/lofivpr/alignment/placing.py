"""Positions and headings of the pictures of a data set, from an aligned trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lofivpr.alignment.floor import Floor
from lofivpr.alignment.ground import Ground
from lofivpr.alignment.plane_map import PlaneMap
from lofivpr.alignment.trajectory import AlignmentError, Floats, Trajectory
from lofivpr.media import ImageRef
from lofivpr.places import SCHEMA, Places
from lofivpr.places.columns import as_column

TABLE = "places.csv"


@dataclass(frozen=True)
class Aligned:
    """A trajectory whose floor is mapped to metres.

    Raises:
        AlignmentError: a map that mirrors: seen from above, floor and plan never do.
    """

    trajectory: Trajectory
    floor: Floor
    to_metres: PlaneMap
    ground: Ground

    def __post_init__(self) -> None:
        if self.to_metres.mirrored:
            raise AlignmentError(
                "expected a map that keeps left and right apart, found a mirrored one. Correct the pairs; if all are "
                "right, the trajectory's camera was held upside down."
            )

    def at(self, times: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Metres (M x 2) and headings (M, degrees clockwise from the plan's top) at M times; NaN where unknown."""
        positions, forward = self.trajectory.at(times)
        xy = self.to_metres.apply(self.floor.xy(positions))
        return xy, self.to_metres.headings(self.floor.directions(forward))


def place_pictures(places: Places, aligned: Aligned, times: Floats, sequence: str | None = None) -> Places:
    """The places with positions and headings of the trajectory at the pictures' times (N, in its clock).

    The heading of a slice is that of the trajectory plus the slice's yaw. Pictures at times of which the trajectory
    says nothing lose what they had.

    Args:
        sequence: only pictures of this sequence are placed; the others keep what they have.

    Raises:
        AlignmentError: no picture within the trajectory's times.
        PlacesError: positions in another frame than those of the pictures that keep theirs.
    """
    chosen = np.ones(len(places), bool) if sequence is None else places.column("sequence") == sequence
    xy, headings = aligned.at(times)
    if not (chosen & np.isfinite(xy).all(axis=1)).any():
        known = times[chosen & np.isfinite(times)]
        asked = f"{known.min():g} to {known.max():g} s" if len(known) else f"no picture of sequence {sequence!r}"
        first, last = aligned.trajectory.times[[0, -1]]
        raise AlignmentError(
            f"expected pictures within the trajectory, {first:g} to {last:g} s, found {asked}. Give --offset, the "
            "seconds to add to a picture's time."
        )
    yaws = np.array([ImageRef.parse(image).yaw for image in places.images])
    new = aligned.ground.columns(xy, (headings + yaws) % 360)
    table = places.table
    for name in ("lat", "lon", "easting", "northing", "zone", "heading_deg"):
        old, values = table[name].to_pylist(), new.get(name, [None] * len(places))
        merged = [value if one else kept for one, value, kept in zip(chosen, values, old, strict=True)]
        field = SCHEMA.field(name)
        table = table.set_column(SCHEMA.get_field_index(name), field, as_column(name, merged))
    return Places.from_table(places.root, table)


def write_places(places: Places) -> Path:
    """Write the data set's `places.csv`, in the folder that its pictures are relative to."""
    path = places.root / TABLE
    places.write(path)
    return path
