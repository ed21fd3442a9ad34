"""Where the pictures of a data set are: a map for each split, database and queries told apart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.evaluation.street_map import scale_bar
from lofivpr.evaluation.theme import LIGHT, Theme, render, styled
from lofivpr.files import write_atomic
from lofivpr.places import Places

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ENDINGS = (".png", ".svg")
FLAT_M = 200_000.0  # wider than this, one metric frame bends: draw degrees
POINTS = 40_000  # of one kind; more would only make the file heavy
COLUMNS = 3


def places_map(places: Places, theme: Theme = LIGHT) -> Figure:
    """Pictures in the plane, a panel a split; degrees where they span continents.

    Raises:
        LofiError: no picture has a position.
    """
    from matplotlib.figure import Figure

    known = places.select(~np.isnan(places.column("easting")))
    if not len(known):
        raise LofiError("expected positions to draw, found none. Leave out --out, or fill in positions.")
    splits = known.splits or [""]
    parts = {split: known.split(split) if split else known for split in splits}
    columns = min(COLUMNS, len(parts))
    rows = -(-len(parts) // columns)
    with styled(theme):
        figure = Figure(figsize=(4.6 * columns, 4.4 * rows + 0.5), layout="constrained")
        panels = figure.subplots(rows, columns, squeeze=False).ravel()
        for axes, (split, part) in zip(panels, parts.items(), strict=False):
            _panel(axes, part, split, theme)
        for axes in panels[len(parts) :]:
            axes.set_axis_off()
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper right", ncols=2, handletextpad=0.2)
    return figure


def _panel(axes: Axes, part: Places, split: str, theme: Theme) -> None:
    xy, flat = _plane(part)
    is_query = part.column("role") == "query"
    for chosen, colour, size, label in (
        (~is_query, theme.soft, 5, "database"),
        (is_query, theme.colours[1], 11, "queries"),
    ):
        rows = np.flatnonzero(chosen)
        rows = rows[:: -(-len(rows) // POINTS) or 1]
        axes.scatter(xy[rows, 0], xy[rows, 1], s=size, color=colour, linewidths=0, label=label)
    counts = f"{int((~is_query).sum()):,} database, {int(is_query.sum()):,} queries"
    axes.set_title(f"{split}\n{counts}" if split else counts, fontsize=12)
    if not flat:
        axes.set_xlabel("longitude in degrees")
        axes.set_ylabel("latitude in degrees")
        axes.grid()
        return
    extent = _frame(axes, xy)
    axes.set_aspect("equal", adjustable="datalim")
    axes.set_axis_off()
    scale_bar(axes, extent, theme)


def _frame(axes: Axes, xy: np.ndarray) -> float:
    """Limits about the points with room for a scale bar below them; returns the longer extent in metres."""
    middle, extent = (xy.min(axis=0) + xy.max(axis=0)) / 2, float(max(np.ptp(xy, axis=0).max(), 1.0))
    half = np.maximum(np.ptp(xy, axis=0), extent / 2) * 0.55
    axes.set_xlim(middle[0] - half[0], middle[0] + half[0])
    axes.set_ylim(middle[1] - half[1] - 0.08 * extent, middle[1] + half[1])
    return extent


def _plane(part: Places) -> tuple[np.ndarray, bool]:
    """float64 N x 2, and whether they are metres."""
    if part.frame is None:
        return part.xy(), True
    points = part.points()
    if np.ptp(points, axis=0).max() > FLAT_M:
        return np.column_stack([part.column("lon"), part.column("lat")]), False
    return part.xy(type(part.frame).around(part.column("lat"), part.column("lon"))), True


def save_places_map(places: Places, path: str | Path, theme: Theme = LIGHT) -> Path:
    """Write the map as PNG or SVG, by the ending of `path`.

    Raises:
        LofiError: another ending, or no positions.
    """
    path = Path(path)
    if path.suffix.lower() not in ENDINGS:
        raise LofiError(f"expected a picture that ends in {' or '.join(ENDINGS)}, found {path}. Rename it.")
    write_atomic(path, render(places_map(places, theme), path.suffix.lower()[1:]))
    return path
