"""`lofivpr evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lofivpr.cli.runtime import RuntimeOption
from lofivpr.errors import LofiError
from lofivpr.evaluation import Results, Row
from lofivpr.evaluation import evaluate as run_evaluation
from lofivpr.places import Places, Positives
from lofivpr.places.protocol import GENERAL


def evaluate(
    model: Annotated[list[Path], typer.Option(help="A model folder. Repeat for more.")],
    places: Annotated[Path, typer.Option(help="A places.csv, or a folder that follows a known convention.")],
    out: Annotated[Path, typer.Option(help="Folder for results.json, tables, plots and report.html.")],
    quality: Annotated[
        list[str] | None, typer.Option(help="What queries go through: raw, 240p/jpeg:5. Repeat.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="The split to test on; all pictures if not given.")] = None,
    positives: Annotated[str | None, typer.Option(help="25m; 25m,45deg; place; 2frames.")] = None,
    radius: Annotated[float | None, typer.Option(help="Short for --positives <radius>m.")] = None,
    protocol: Annotated[
        str, typer.Option(help="roles, leave-panorama-out, or a data set's own: `lofivpr data list`.")
    ] = "roles",
    database_model: Annotated[
        Path | None, typer.Option(help="Describes the database; default: the student's teacher, or itself.")
    ] = None,
    database_quality: Annotated[str, typer.Option(help="raw, or same (the symmetric protocol).")] = "raw",
    without_positives: Annotated[
        Literal["miss", "drop"], typer.Option(help="A query without positives: miss or drop.")
    ] = "miss",
    verify: Annotated[
        str | None, typer.Option(help="inliers>20: what is found counts only if so many local features match.")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out bad pictures, and list them.")] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Photographs in the report: leave them out to pass it on.")
    ] = True,
    runtime: RuntimeOption = "auto",
) -> None:
    """Recall of models at qualities, with intervals, curves and a report."""
    if positives is not None and radius is not None:
        raise LofiError("expected --positives or --radius, found both: --radius 25 is short for --positives 25m.")
    if protocol not in GENERAL and (positives is not None or radius is not None or without_positives != "miss"):
        given = (
            f"--positives {positives or radius}" if positives or radius else f"--without-positives {without_positives}"
        )
        raise LofiError(f"expected only --protocol {protocol}, which fixes its positives, found {given}. Leave it out.")
    data = Places.open(places)
    results = run_evaluation(
        model,
        data if split is None else data.split(split),
        qualities=quality or ["raw"],
        positives=positives or Positives("metres", 25.0 if radius is None else radius),
        protocol=protocol,
        database_model=database_model,
        database_quality=database_quality,
        without_positives=without_positives,
        out=out,
        skip_bad=skip_bad,
        verify=verify,
        runtime=runtime,
    )
    results.save(out)
    results.report(out / "report.html", pictures=pictures)
    print_results(results)
    for picture in results.skipped:
        typer.echo(f"skipped {picture.image}: {picture.reason}")
    typer.echo(f"report: {out / 'report.html'}")


def print_results(results: Results) -> None:
    """Recall@1 of every model at every quality, with its 95 % interval; of streams the rate at their frame rate.

    Where the protocol verifies, the recall without verification stands behind.
    """
    table = Table(title="recall@1 in percent [95 % interval]")
    streams = any(row.stream for row in results.rows)
    table.add_column("quality")
    for name in ("bytes", *(("kB/s", "kbit/s") if streams else ()), *map(escape, results.models)):
        table.add_column(name, justify="right")
    for quality in results.qualities:
        rows = [results.row(name, quality) for name in results.models]
        size, stream = rows[0].bytes_per_query, rows[0].stream
        rates = ("-", "-") if stream is None else (f"{stream.kbytes_per_second:.2f}", f"{stream.kbits_per_second:.1f}")
        table.add_row(
            quality,
            "-" if size is None else f"{size:,.0f}",
            *(rates if streams else ()),
            *map(_recall, rows),
        )
    Console().print(table)


def _recall(row: Row) -> str:
    low, high = row.interval[1]
    without = "" if row.unverified is None else f" ({row.unverified[1]:.1f} unverified)"
    return f"{row.recall[1]:.1f} [{low:.1f}, {high:.1f}]{without}"
