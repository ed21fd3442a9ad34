"""Where the queries are, and where the student helps."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lofivpr.evaluation.gallery import query_kinds
from lofivpr.evaluation.story import Focus, kind_labels
from lofivpr.evaluation.theme import LIGHT, Theme, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lofivpr.evaluation.results import Results

BAR_LENGTHS_M = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 50000)
MARKS = {"both right": ".", "both wrong": "x", "fixed": "^", "broken": "v"}


def query_map(results: Results, focus: Focus, theme: Theme = LIGHT) -> Figure | None:
    """Queries in the plane, marked by what changed; None where there are no positions."""
    from matplotlib.figure import Figure

    scene = results.scene
    if not scene.has_positions:
        return None
    extent = np.ptp(np.vstack([scene.query_xy, scene.database_xy]), axis=0)
    shape = float(np.clip(extent[1] / max(extent[0], 1e-9), 0.35, 0.75))
    with styled(theme):
        figure = Figure(figsize=(9.2, 9.2 * shape + 0.9), layout="constrained")
        axes = figure.subplots()
        axes.scatter(scene.database_xy[:, 0], scene.database_xy[:, 1], s=14, color=theme.grid, linewidths=0)
        words, spots = kind_labels(focus), spread(scene.query_xy, 0.009 * float(extent.max()))
        for kind, numbers in query_kinds(results, focus).items():
            if len(numbers):
                _points(axes, spots[numbers], kind, f"{words[kind]} ({len(numbers)})", theme)
        axes.set_aspect("equal", adjustable="datalim")
        axes.set_axis_off()
        scale_bar(axes, float(extent.max()), theme)
        figure.legend(loc="outside upper left", ncols=4 if focus.is_pair else 2, handletextpad=0.2, columnspacing=1.2)
    return figure


def spread(xy: np.ndarray, radius: float) -> np.ndarray:
    """Move points that share a spot (to 0.1 m) onto a ring of `radius` metres about it, so that all show.

    Args:
        xy: float64 N x 2, metres.
    """
    moved = xy.copy()
    spots, spot = np.unique(np.round(xy, 1), axis=0, return_inverse=True)
    for number in range(len(spots)):
        here = np.flatnonzero(spot.ravel() == number)
        if len(here) > 1:
            turn = 2 * np.pi * np.arange(len(here)) / len(here)
            moved[here] += radius * np.column_stack([np.cos(turn), np.sin(turn)])
    return moved


def _points(axes: Axes, xy: np.ndarray, kind: str, label: str, theme: Theme) -> None:
    colour = {"fixed": theme.right, "broken": theme.wrong}.get(kind, theme.soft)
    strong = kind in ("fixed", "broken")
    axes.scatter(
        xy[:, 0],
        xy[:, 1],
        s=64 if strong else 20,
        marker=MARKS[kind],
        linewidths=1.1 if kind == "both wrong" else 0,
        color=colour,
        label=label,
        zorder=3 if strong else 2,
    )


def scale_bar(axes: Axes, extent: float, theme: Theme) -> None:
    """A bar of a round length of about a sixth of the map, at the lower left."""
    length = max((m for m in BAR_LENGTHS_M if m <= max(extent / 5, 1)), default=1)
    left, bottom = axes.get_xlim()[0], axes.get_ylim()[0]
    axes.plot([left, left + length], [bottom, bottom], color=theme.ink, linewidth=3, solid_capstyle="butt")
    text = f"{length} m" if length < 1000 else f"{length // 1000} km"
    axes.annotate(text, (left, bottom), xytext=(0, 5), textcoords="offset points", color=theme.ink)
