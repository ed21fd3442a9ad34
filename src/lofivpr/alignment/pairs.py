"""Pairs of points in a CSV: a point of the trajectory, and where it is."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lofivpr.alignment.floor import Floor
from lofivpr.alignment.ground import Ground
from lofivpr.alignment.plan import Plan
from lofivpr.alignment.trajectory import AlignmentError, Floats, Trajectory
from lofivpr.places import LocalFrame
from lofivpr.places.geodesy import from_utm

SOURCES = (("time",), ("floor_x", "floor_y"))
TARGETS = (("column", "row"), ("x", "y"), ("lat", "lon"), ("easting", "northing", "zone"))
Cells = dict[str, list[str]]


@dataclass(frozen=True, eq=False)
class Pairs:
    """Points of the trajectory's floor (`source`, in its unit) and of the ground (`target`, in metres), N x 2 each."""

    source: Floats
    target: Floats
    ground: Ground


def read_pairs(
    path: str | Path, trajectory: Trajectory, floor: Floor, plan: Plan | None = None, ground: Ground | None = None
) -> Pairs:
    """Read pairs, one a line under a header.

    A point of the trajectory is `time` (seconds of its clock), or `floor_x` and `floor_y` on its fitted floor. Where
    it is: `column` and `row` in pixels of the plan, `x` and `y` in metres, `lat` and `lon`, or `easting`, `northing`
    and `zone`.

    Args:
        plan: with its metres per pixel, needed for `column` and `row`.
        ground: where plan or metres lie; degrees and UTM say it themselves.

    Raises:
        AlignmentError: no such file, other columns, a cell that does not fit, or a time off the trajectory.
    """
    cells = _cells(Path(path))
    return Pairs(_source(cells, path, trajectory, floor), *_target(cells, path, plan, ground or Ground()))


def _cells(path: Path) -> Cells:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            rows = list(reader)
            names = [(name or "").strip() for name in reader.fieldnames or []]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise AlignmentError(f"expected a CSV of pairs at {path}, found: {error}. Check the path.") from None
    sources, targets = (sum(set(one) <= set(names) for one in kind) for kind in (SOURCES, TARGETS))
    if sources != 1 or targets != 1 or not rows:
        raise AlignmentError(
            f"expected pairs in {path}, with columns {_either(SOURCES)} and {_either(TARGETS)}, found "
            f"{len(rows)} rows of {', '.join(names) or 'nothing'}."
        )
    return {name.strip(): [row[name] or "" for row in rows] for name in reader.fieldnames or []}


def _either(kinds: tuple[tuple[str, ...], ...]) -> str:
    return " or ".join("(" + ", ".join(names) + ")" for names in kinds)


def _numbers(cells: Cells, path: str | Path, *names: str) -> Floats:
    """The columns of these names, float64 N x len(names)."""
    values = np.empty((len(cells[names[0]]), len(names)))
    for side, name in enumerate(names):
        for row, text in enumerate(cells[name]):
            try:
                values[row, side] = float(text)
            except ValueError:
                values[row, side] = np.nan
            if not np.isfinite(values[row, side]):
                raise AlignmentError(f"expected a number as `{name}` in pair {row + 1} of {path}, found {text!r}.")
    return values


def _source(cells: Cells, path: str | Path, trajectory: Trajectory, floor: Floor) -> Floats:
    if "time" not in cells:
        return _numbers(cells, path, "floor_x", "floor_y")
    times = _numbers(cells, path, "time")[:, 0]
    off = ~trajectory.covers(times)
    if off.any():
        first, last = trajectory.times[[0, -1]]
        raise AlignmentError(
            f"expected times within the trajectory ({first:g} to {last:g} s, without its gaps), found "
            f"{times[int(np.argmax(off))]:g} s in pair {int(np.argmax(off)) + 1} of {path}."
        )
    return floor.xy(trajectory.at(times)[0])


def _target(cells: Cells, path: str | Path, plan: Plan | None, ground: Ground) -> tuple[Floats, Ground]:
    if "column" in cells:
        if plan is None or plan.metres_per_pixel is None:
            raise AlignmentError(f"expected a plan and its metres per pixel for the pixels in {path}, found none.")
        return plan.to_units(_numbers(cells, path, "column", "row")), ground
    if "x" in cells:
        return _numbers(cells, path, "x", "y"), ground
    if "lat" in cells:
        lat, lon = _numbers(cells, path, "lat", "lon").T
    else:
        easting, northing = _numbers(cells, path, "easting", "northing").T
        lat, lon = from_utm(easting, northing, cells["zone"])
    frame = LocalFrame.around(lat, lon)
    return frame.forward(lat, lon), Ground(frame)
