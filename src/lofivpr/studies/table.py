"""The tables of a study: recall@1 of every model at every quality, in Markdown and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence

from lofivpr.evaluation import DifferenceRow, Results, Row
from lofivpr.evaluation.bootstrap import Difference
from lofivpr.evaluation.compare import outcome_difference
from lofivpr.evaluation.table import counts
from lofivpr.studies.examine import Panel
from lofivpr.studies.settings import setting_of

COLUMNS = (
    *("test", "positives", "model", "quality", "bytes_per_query", "kbytes_per_second"),
    *("recall@1", "low", "high", "against", "difference", "difference_low", "difference_high"),
)

CHOSEN = "mse+ickd"
"""The setting that the paper recommends."""


def rate_of(row: Row, frame_rate: float) -> float | None:
    """Thousands of bytes a second: of a stream at its own rate, of single pictures at `frame_rate` a second."""
    if row.stream is not None:
        return row.stream.kbytes_per_second
    return None if row.bytes_per_query is None else row.bytes_per_query * frame_rate / 1000


def to_markdown(panels: Sequence[Panel], frame_rate: float) -> str:
    """For each panel: the protocol, recall@1 with its interval, and the paired differences to the reference."""
    parts = []
    for panel in panels:
        results = panel.results
        parts += [f"## {panel.title}", counts(results), _recalls(results, frame_rate)]
        parts += [f"Protocol: {results.rows[0].protocol}. Recall@1 in percent, 95 % intervals by bootstrap."]
        if results.references:
            parts += ["Paired differences in points, bold where the interval leaves out zero:", _differences(results)]
        for chosen in (model for model in results.models if setting_of(model) == CHOSEN):
            parts += [f"The paper's choice against every other model, {chosen} minus:", _against_all(results, chosen)]
    return "\n\n".join(parts) + "\n"


def _recalls(results: Results, frame_rate: float) -> str:
    lines = [_line("quality", "bytes a query", "kB/s", *results.models), _line(*["---"] * (3 + len(results.models)))]
    for quality in results.qualities:
        rows = [results.row(model, quality) for model in results.models]
        size, rate = rows[0].bytes_per_query, rate_of(rows[0], frame_rate)
        cost = ("-", "-") if size is None or rate is None else (f"{size:,.0f}", f"{rate:.2f}")
        lines.append(_line(f"`{quality}`", *cost, *map(_recall, rows)))
    return "\n".join(lines)


def _differences(results: Results) -> str:
    heads = [f"{model} - {against}" for model, against in results.references.items()]
    lines = [_line("quality", *heads), _line(*["---"] * (1 + len(heads)))]
    for quality in results.qualities:
        changes = [results.difference(model, quality) for model in results.references]
        lines.append(_line(f"`{quality}`", *map(_difference, changes)))
    return "\n".join(lines)


def _against_all(results: Results, chosen: str) -> str:
    others = [model for model in results.models if model != chosen]
    lines = [_line("quality", *others), _line(*["---"] * (1 + len(others)))]
    for quality in results.qualities:
        pairs = [(results.outcomes[chosen, quality], results.outcomes[other, quality]) for other in others]
        lines.append(_line(f"`{quality}`", *(_bold(outcome_difference(*pair, results.scene)) for pair in pairs)))
    return "\n".join(lines)


def _recall(row: Row) -> str:
    low, high = row.interval[1]
    return f"{row.recall[1]:.1f} [{low:.1f}, {high:.1f}]"


def _difference(change: DifferenceRow | None) -> str:
    return "-" if change is None else _bold(change.points)


def _bold(change: Difference) -> str:
    """Bold where the interval leaves out zero."""
    return f"**{change}**" if change.clear else str(change)


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def to_csv(panels: Sequence[Panel], frame_rate: float) -> str:
    """A line for each panel, model and quality, with numbers as they are."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for panel in panels:
        writer.writerows(_csv_rows(panel, frame_rate))
    return out.getvalue()


def _csv_rows(panel: Panel, frame_rate: float) -> Iterator[list[object]]:
    for row in panel.results.rows:
        change = panel.results.difference(row.model, row.quality)
        compared = ["", "", "", ""] if change is None else [change.against, change.mean, change.low, change.high]
        cost = ["" if value is None else value for value in (row.bytes_per_query, rate_of(row, frame_rate))]
        names = [panel.trial, panel.rule, row.model, row.quality]
        yield [*names, *cost, row.recall[1], *row.interval[1], *compared]
