"""The reliability diagram of a calibration: what was said against what happened."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lofivpr.evaluation.theme import LIGHT, Theme, styled
from lofivpr.maps.logistic import Reliability

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability_diagram(found: Reliability, theme: Theme = LIGHT) -> Figure:
    """A dot for each bin that holds queries, its area by how many; on the diagonal probabilities are true."""
    from matplotlib.figure import Figure

    count = np.array(found.count)
    held = count > 0
    said, right = (100 * np.array(values, np.float64)[held] for values in (found.said, found.right))
    edges = np.linspace(0, 100, len(count) + 1)
    with styled(theme):
        figure = Figure(figsize=(5.2, 6.2), layout="constrained")
        above, below = figure.subplots(2, sharex=True, height_ratios=(4, 1))
        above.plot((0, 100), (0, 100), color=theme.soft, linewidth=1)
        above.scatter(said, right, 12 + 150 * count[held] / count.max(), color=theme.colour(1), zorder=2)
        above.set_ylabel("right, percent")
        above.set_ylim(0, 100)
        above.set_title(f"expected calibration error {found.ece:.3f}")
        below.bar(edges[:-1], count, width=np.diff(edges) * 0.9, align="edge", color=theme.colour(0))
        below.set_ylabel("queries")
        below.set_xlabel("said: probability of being right, percent")
        below.set_xlim(0, 100)
        for axes in (above, below):
            axes.grid(axis="y")
    return figure
