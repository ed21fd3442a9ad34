"""`lofivpr study`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

import lofivpr
from lofivpr.studies import Study, run_study, study_names


def study(
    recipe: Annotated[str, typer.Argument(help=f"{', '.join(study_names())}, or a YAML file.")],
    out: Annotated[Path, typer.Option(help="Folder for models, results, tables and figures; a second call goes on.")],
    places: Annotated[
        Path | None, typer.Option(help="The pictures, in the place of those that the recipe names.")
    ] = None,
) -> None:
    """A teacher and its students by many settings, at many qualities, in tables and figures."""
    lofivpr.distill  # noqa: B018 - without torch this says what to install, before anything is read
    chosen = Study.load(recipe)
    findings = run_study(chosen if places is None else chosen.on(places), out, tell=typer.echo)
    for path in findings.files:
        typer.echo(f"wrote {path}")
