"""What an evaluation measured, written into the card of a model, with the protocol of every number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lofivpr.errors import LofiError
from lofivpr.evaluation.results import Results
from lofivpr.evaluation.rows import Row
from lofivpr.models import add_to_card
from lofivpr.places import Protocol

SECTION = "measured"


def write_measured(results: Results, folder: str | Path) -> str:
    """Put a model's recall at every quality into its card; what the same protocol measured before is replaced.

    Returns:
        The protocol, which is the table's title.

    Raises:
        LofiError: the results hold no model of the folder's name, or there is no model.
    """
    name = Path(folder).resolve().name
    rows = [row for row in results.rows if row.model == name]
    if not rows:
        raise LofiError(
            f"expected results of a model named {name}, found {', '.join(results.models)}: "
            "a model is called like the folder that `lofivpr evaluate --model` was given."
        )
    side = rows[0].database
    title = f"{Protocol.from_dict(results.protocol)}; {rows[0].queries} queries, {side.images} database pictures"
    add_to_card(folder, SECTION, title, [_record(results, row) for row in rows])
    return title


def _record(results: Results, row: Row) -> dict[str, Any]:
    low, high = row.interval[1]
    record: dict[str, Any] = {
        "quality": row.quality,
        "bytes a query": None if row.bytes_per_query is None else round(row.bytes_per_query),
        "recall@1 in percent [95 %]": f"{row.recall[1]:.1f} [{low:.1f}, {high:.1f}]",
    }
    if row.model in results.references:
        paired = results.difference(row.model, row.quality)
        record[f"minus {results.references[row.model]}"] = None if paired is None else str(paired.points)
    return record
