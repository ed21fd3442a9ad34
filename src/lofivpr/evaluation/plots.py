"""The figures of an evaluation, by matplotlib: recall by quality, rate-recall curves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.evaluation.compare import ladder_name
from lofivpr.evaluation.rows import Row
from lofivpr.evaluation.theme import (
    DESCRIPTOR_LINES,
    DESCRIPTOR_MARKER,
    LIGHT,
    Theme,
    bytes_text,
    codec_of,
    marker_of,
    minus,
    render,
    round_ticks,
    styled,
)
from lofivpr.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lofivpr.evaluation.results import Results

WIDTH = 9.2  # inches, of a figure with one pair of axes
LEGEND_LETTERS = 88  # across such a figure
CROWD = 3  # more models than this are drawn smaller, and without bands that would hide each other

Draw = Callable[["Results", Theme], "Figure | None"]


def recall_by_quality(results: Results, theme: Theme = LIGHT) -> Figure:
    """R@1 of every model at every quality: a dot with its interval, one band of dots a quality."""
    from matplotlib.figure import Figure

    with styled(theme):
        models, qualities = results.models, results.qualities
        step = 0.22 if len(models) <= CROWD else 0.16
        band = 0.2 + step * len(models)
        figure = Figure(figsize=(WIDTH, 1.5 + band * len(qualities)), layout="constrained")
        axes = figure.subplots()
        for index, model in enumerate(models):
            rows = [results.row(model, quality) for quality in qualities]
            centre = band * np.arange(len(qualities)) + step * (index - (len(models) - 1) / 2)
            _dots(axes, rows, centre, theme, index, 40 * step)
        _join(axes, results, band, theme)
        axes.set_yticks(band * np.arange(len(qualities)), [_quality_label(results, q) for q in qualities])
        for quality in range(1, len(qualities)):
            axes.axhline(band * (quality - 0.5), color=theme.grid, linewidth=0.8)
        axes.set_ylim(band * (len(qualities) - 0.5), -band / 2)
        axes.set_xlim(0, 100)
        axes.set_xlabel("R@1 in percent, with 95 % interval")
        axes.grid(axis="x")
        axes.tick_params(length=0)
        axes.spines["left"].set_visible(False)
        add_legend(figure, axes)
    return figure


def _dots(axes: Axes, rows: list[Row], centre: np.ndarray, theme: Theme, index: int, size: float) -> None:
    colour = theme.colour(index)
    low, high = np.array([row.interval[1] for row in rows]).T
    axes.hlines(centre, low, high, color=colour, linewidth=2.4, alpha=0.55)
    recall = [row.recall[1] for row in rows]
    # The reference is a ring, told apart without colour too; so are those whose colour comes again.
    filled = colour if 0 < index < len(theme.colours) else theme.paper
    axes.plot(
        recall,
        centre,
        "o",
        color=colour,
        markerfacecolor=filled,
        markeredgewidth=2.2,
        markersize=size,
        label=rows[0].model,
        clip_on=False,
        zorder=3,
    )


def _join(axes: Axes, results: Results, band: float, theme: Theme) -> None:
    """Write the paired differences at the right edge when there is only one pair of models."""
    if len(results.references) != 1:
        return
    ((model, against),) = results.references.items()
    axes.text(101.5, -band / 2, f"{model} − {against}", fontsize=11, color=theme.soft, va="bottom")
    for index, quality in enumerate(results.qualities):
        change = results.difference(model, quality)
        if change is None:
            continue
        colour = theme.soft if not change.clear else theme.right if change.mean > 0 else theme.wrong
        text = minus(f"{change.mean:+.1f}  [{change.low:+.1f}, {change.high:+.1f}]")
        weight = "bold" if change.clear else "normal"
        axes.text(101.5, band * index, text, color=colour, va="center", fontsize=12, fontweight=weight)


def _quality_label(results: Results, quality: str) -> str:
    n_bytes = results.row(results.models[0], quality).bytes_per_query
    return quality if n_bytes is None else f"{quality}\n{bytes_text(n_bytes)}"


def rate_recall(results: Results, theme: Theme = LIGHT) -> Figure | None:
    """R@1 over mean bytes, a line for each model and ladder, one for sent descriptors; None without coded pictures."""
    from matplotlib.figure import Figure

    coded = [row for row in results.rows if row.bytes_per_query]
    if not coded:
        return None
    with styled(theme):
        figure = Figure(figsize=(WIDTH, 5.6), layout="constrained")
        axes = figure.subplots()
        axes.set_xscale("log")
        crowded = len(results.models) > CROWD
        for index, model in enumerate(results.models):
            label: str | None = _raw_label(results, model)
            if "raw" in results.qualities and not crowded:
                level = results.row(model, "raw").recall[1]
                axes.axhline(level, color=theme.colour(index), linewidth=1.2, linestyle=(0, (2, 3)))
            for ladder in dict.fromkeys(ladder_name(row.quality) for row in coded):
                mine = [r for r in coded if (r.model, ladder_name(r.quality)) == (model, ladder)]
                mine.sort(key=lambda row: row.bytes_per_query or 0)
                cost = [row.bytes_per_query or 0.0 for row in mine]
                rate_line(axes, cost, mine, theme, index, label)
                if not crowded:
                    rate_band(axes, cost, mine, theme.colour(index))
                label = None
        sent = _descriptor_lines(axes, results, theme)
        _byte_axis(axes, [*(row.bytes_per_query or 0.0 for row in coded), *sent])
        _codec_keys(axes, coded, theme)
        axes.set_ylim(0, 100)
        axes.set_ylabel("R@1 in percent")
        axes.grid()
        add_legend(figure, axes)
    return figure


def rate_line(
    axes: Axes, cost: Sequence[float], rows: Sequence[Row], theme: Theme, index: int, label: str | None
) -> None:
    """R@1 of `rows` over their cost, in the colour of the model of this index, marked by codec."""
    colour, recall = theme.colour(index), [row.recall[1] for row in rows]
    line = theme.line(index)
    axes.plot(cost, recall, color=colour, linestyle=line, linewidth=2.4, label=label)
    for x, y, row in zip(cost, recall, rows, strict=True):
        axes.plot(x, y, marker_of(row.quality), color=colour, markersize=9, markeredgecolor=theme.paper)


def rate_band(axes: Axes, cost: Sequence[float], rows: Sequence[Row], colour: str, lines: int = 1) -> None:
    """The intervals of `rows` over their cost, as a band; one of so many `lines` that it must not hide others."""
    low, high = np.array([row.interval[1] for row in rows]).T
    share = min(1.0, CROWD / lines)
    axes.fill_between(cost, low, high, color=colour, alpha=0.13 * share, linewidth=0)
    axes.vlines(cost, low, high, color=colour, alpha=0.4 * share, linewidth=1.6)


def _descriptor_lines(axes: Axes, results: Results, theme: Theme) -> list[float]:
    """The teacher's descriptor sent instead of a picture: a starred line for each teacher; returns the bytes."""
    drawn = [row for row in results.descriptor_rate if row.recall is not None]
    for index, model in enumerate(dict.fromkeys(row.model for row in drawn)):
        mine = sorted((row for row in drawn if row.model == model), key=lambda row: row.bytes_per_query)
        axes.plot(
            [row.bytes_per_query for row in mine],
            [row.recall[1] for row in mine if row.recall is not None],
            marker=DESCRIPTOR_MARKER,
            color=theme.ink,
            linestyle=DESCRIPTOR_LINES[index % len(DESCRIPTOR_LINES)],
            linewidth=1.4,
            markersize=12,
            markeredgecolor=theme.paper,
            label=f"descriptor of {model} ({mine[0].milliseconds:.0f} ms a picture)",
        )
        for row in mine:
            at = (row.bytes_per_query, row.recall[1] if row.recall else 0.0)
            axes.annotate(
                row.coding, at, (0, 8), textcoords="offset points", ha="center", fontsize=9, color=theme.ink, zorder=5
            )
    return [float(row.bytes_per_query) for row in drawn]


def _raw_label(results: Results, model: str) -> str:
    """The model's name in the legend, with what it reaches on raw queries, which have no bytes to be drawn at."""
    if "raw" not in results.qualities:
        return model
    return f"{model} (raw {results.row(model, 'raw').recall[1]:.1f})"


def _byte_axis(axes: Axes, cost: list[float]) -> None:
    low, high = min(cost) / 1.35, max(cost) * 1.35
    axes.set_xlim(low, high)
    ticks = round_ticks(low, high)
    axes.set_xticks(ticks, [bytes_text(tick) for tick in ticks])
    axes.minorticks_off()
    axes.set_xlabel("Mean bytes of a query (log scale)")


def _codec_keys(axes: Axes, rows: list[Row], theme: Theme) -> None:
    codecs = {codec_of(row.quality): marker_of(row.quality) for row in rows}
    keys = [
        axes.plot([], [], marker, color=theme.soft, markersize=8, label=codec)[0] for codec, marker in codecs.items()
    ]
    axes.add_artist(axes.legend(handles=keys, loc="lower right", ncols=len(keys), handletextpad=0.2))
    for key in keys:
        key.set_label(f"_{key.get_label()}")  # only in this legend, not in that of the models


def add_legend(figure: Figure, axes: Axes) -> None:
    """Names above the axes, in as many columns as their lengths allow."""
    handles, labels = axes.get_legend_handles_labels()
    letters = LEGEND_LETTERS * figure.get_figwidth() / WIDTH
    columns = int(letters // (max(map(len, labels)) + 7))
    figure.legend(handles, labels, loc="outside upper left", ncols=max(1, min(len(labels), columns)))


FIGURES: dict[str, Draw] = {"recall-by-quality": recall_by_quality, "rate-recall": rate_recall}


def save_plots(results: Results, folder: str | Path) -> list[Path]:
    """Write every figure that the results allow as PNG and SVG; returns the paths."""
    paths = []
    for name, draw in FIGURES.items():
        figure = draw(results, LIGHT)
        if figure is None:
            continue
        for ending in ("png", "svg"):
            path = Path(folder) / f"{name}.{ending}"
            write_atomic(path, render(figure, ending))
            paths.append(path)
    return paths
