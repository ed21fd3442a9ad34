"""One HTML file that says what the channel costs and what a student gives back, and shows it."""

from __future__ import annotations

from functools import partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lofivpr.evaluation.claims import bound_claim, descriptor_claims, recovery_claims, share_text
from lofivpr.evaluation.filmstrip import filmstrip
from lofivpr.evaluation.gallery import gallery, query_kinds
from lofivpr.evaluation.heatmaps import heatmaps
from lofivpr.evaluation.plots import FIGURES
from lofivpr.evaluation.story import Focus, facts, find_focus, headline, kind_labels, kind_titles
from lofivpr.evaluation.street_map import query_map
from lofivpr.evaluation.table import counts, quality_table, rivals
from lofivpr.evaluation.theme import bytes_text, stylesheet
from lofivpr.evaluation.thumbs import figure_uris
from lofivpr.files import write_atomic
from lofivpr.places import Protocol

if TYPE_CHECKING:
    from lofivpr.evaluation.results import Results

TEMPLATE, STYLE = "report.html.j2", "report.css"


def write_report(
    results: Results, path: str | Path, title: str | None = None, pictures: bool = True, seed: int = 0
) -> Path:
    """Write the report: no script, no network, every picture inside.

    Args:
        title: of the page; default: the headline.
        pictures: whether photographs are shown (gallery, filmstrip, heatmaps). Leave them out where
            the photographs may not be passed on.
        seed: draws the queries that are shown.

    Raises:
        LofiError: the file cannot be written.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    page = environment.from_string(_text(TEMPLATE)).render(_context(results, title, pictures, seed))
    write_atomic(path, page)
    return Path(path)


def _context(results: Results, title: str | None, pictures: bool, seed: int) -> dict[str, Any]:
    focus = find_focus(results)
    sentence = headline(results, focus)
    return {
        "style": _text(STYLE),
        "palettes": stylesheet(),
        "title": title or sentence,
        "headline": sentence,
        "results": results,
        "focus": focus,
        "facts": facts(results, focus),
        "counts": counts(results),
        "lines": quality_table(results),
        "recovery_claims": recovery_claims(results),
        "share_text": share_text,
        "bound_claim": bound_claim,
        **_rivals(results, focus),
        "figures": _figures(results, focus),
        "bytes_text": bytes_text,
        "protocol": str(Protocol.from_dict(results.protocol)),
        "protocols": list(dict.fromkeys(row.protocol for row in results.rows)),
        **_pictures(results, focus if pictures else None, seed),
    }


def _rivals(results: Results, focus: Focus | None) -> dict[str, Any]:
    """Descriptors that are sent, against pictures that are sent to the model the report is about."""
    sender = focus.after.model if focus is not None else results.models[0]
    found = rivals(results, sender)
    return {"sender": sender, "rivals": found, "descriptor_claims": descriptor_claims(found, sender)}


def _figures(results: Results, focus: Focus | None) -> dict[str, dict[str, str]]:
    """Name -> theme -> data URI, for the figures that the results allow."""
    draws = {name: partial(draw, results) for name, draw in FIGURES.items()}
    if focus is not None:
        draws["query-map"] = partial(query_map, results, focus)
    found = {name: figure_uris(draw) for name, draw in draws.items()}
    return {name: uris for name, uris in found.items() if uris is not None}


def _pictures(results: Results, focus: Focus | None, seed: int) -> dict[str, Any]:
    """Everything that shows photographs; empty without a comparison to show."""
    if focus is None:
        return {"frames": [], "cases": [], "kinds": {}, "heat": None}
    return {
        "frames": filmstrip(results, focus, seed),
        "cases": gallery(results, focus, seed),
        "kinds": {kind: len(numbers) for kind, numbers in query_kinds(results, focus).items()},
        "kind_labels": kind_labels(focus),
        "kind_titles": kind_titles(focus),
        "heat": heatmaps(results, focus, seed),
    }


def _text(name: str) -> str:
    return (resources.files("lofivpr.evaluation") / name).read_text(encoding="utf-8")
