"""Figure 4 of the paper: R@1 against the rate of the link, a line a setting, a panel a rule and a ladder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.evaluation.compare import ladders
from lofivpr.evaluation.plots import add_legend, rate_band, rate_line
from lofivpr.evaluation.rows import Row
from lofivpr.evaluation.theme import LIGHT, Theme, round_ticks, styled
from lofivpr.quality import Quality
from lofivpr.studies.examine import Panel
from lofivpr.studies.published_curves import PublishedCurves
from lofivpr.studies.table import rate_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME, RESOLUTION_NAME = "figure-4", "figure-4-resolution"
PANEL = (5.4, 4.2)  # inches


def figure4(
    panels: Sequence[Panel], frame_rate: float, published: PublishedCurves | None = None, theme: Theme = LIGHT
) -> Figure | None:
    """R@1 over kB/s: columns are tests and rules, rows are ladders; None where nothing has bytes.

    Published curves stand in a row of their own, a panel a height, in the colours of the same settings.
    """
    rungs = {ladder: found for panel in panels for ladder, found in ladders(panel.results.rows).items()}
    if not rungs:
        return None
    with styled(theme):
        columns = max(len(panels), len(published.panels) if published else 0)
        figure, grid = _grid(len(rungs) + (published is not None), columns)
        for line, (ladder, qualities) in zip(grid, rungs.items(), strict=False):
            for axes, panel in zip(line, panels, strict=False):
                _rates(axes, panel, qualities, frame_rate, theme)
                _frame(axes, f"{panel.title}: {ladder}")
                axes.set_xlabel(_rate_label(qualities, frame_rate))
        if published is not None:
            _published(grid[-1], published, panels[0].results.models, theme)
        for axes in grid.ravel():
            axes.set_visible(bool(axes.get_lines()))
        _finish(figure, grid)
    return figure


def figure4_resolution(panels: Sequence[Panel], theme: Theme = LIGHT) -> Figure | None:
    """R@1 over the height of a query without codec, raw last; None where fewer than two were sent so."""
    plain = [quality for quality in panels[0].results.qualities if Quality.parse(quality).codec is None]
    plain.sort(key=lambda quality: Quality.parse(quality).height or np.inf)
    if len(plain) < 2:
        return None
    with styled(theme):
        figure, grid = _grid(1, len(panels))
        for axes, panel in zip(grid[0], panels, strict=True):
            for index, model in enumerate(panel.results.models):
                rows = [panel.results.row(model, quality) for quality in plain]
                _line(axes, list(range(len(plain))), rows, theme, index, len(panel.results.models))
            axes.set_xticks(range(len(plain)), plain)
            _frame(axes, panel.title)
            axes.set_xlabel("height of the query, without codec")
        _finish(figure, grid)
    return figure


def _grid(rows: int, columns: int) -> tuple[Figure, np.ndarray]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(PANEL[0] * columns, PANEL[1] * rows + 0.9), layout="constrained")
    return figure, figure.subplots(rows, columns, squeeze=False, sharey=True)


def _rates(axes: Axes, panel: Panel, qualities: Sequence[str], frame_rate: float, theme: Theme) -> None:
    axes.set_xscale("log")
    every: list[float] = []
    for index, model in enumerate(panel.results.models):
        rows = [row for row in panel.results.rows if row.model == model and row.quality in qualities]
        rows.sort(key=lambda row: row.bytes_per_query or 0)
        rates = [rate_of(row, frame_rate) or 0.0 for row in rows]
        _line(axes, rates, rows, theme, index, len(panel.results.models))
        every += rates
    _ticks(axes, every)


def _published(line: np.ndarray, published: PublishedCurves, models: Sequence[str], theme: Theme) -> None:
    """The lines of settings that the study has too; hollow marks, and no interval, since none was published."""
    for axes, (height, curves) in zip(line, published.panels.items(), strict=False):
        axes.set_xscale("log")
        for index, model in enumerate(models):
            if model in curves.recall:
                rates, recalls = curves.points(model)
                axes.plot(rates, recalls, "^", linestyle=(0, (4, 2)), color=theme.colour(index), fillstyle="none")
        _ticks(axes, curves.kbytes_per_second)
        _frame(axes, f"published, {published.positives}: {height}/h265")
        axes.set_xlabel("kB/s, as published")


def _ticks(axes: Axes, rates: Sequence[float]) -> None:
    ticks = round_ticks(min(rates) / 1.2, max(rates) * 1.2)
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()


def _line(axes: Axes, at: Sequence[float], rows: Sequence[Row], theme: Theme, index: int, lines: int) -> None:
    rate_band(axes, at, rows, theme.colour(index), lines)
    rate_line(axes, at, rows, theme, index, rows[0].model)


def _frame(axes: Axes, title: str) -> None:
    axes.set_title(title)
    axes.set_ylim(0, 103)
    axes.grid()


def _finish(figure: Figure, grid: np.ndarray) -> None:
    for line in grid:
        line[0].set_ylabel("R@1 in percent")
    add_legend(figure, grid[0, 0])


def _rate_label(qualities: Sequence[str], frame_rate: float) -> str:
    own = {Quality.parse(quality).fps for quality in qualities}
    rate = next(iter(own)) or frame_rate
    return f"kB/s at {rate:g} frame{'' if rate == 1 else 's'} a second"
