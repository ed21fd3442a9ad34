"""`lofivpr data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from lofivpr.errors import LofiError
from lofivpr.evaluation.outcome import load_outcomes
from lofivpr.places import Places
from lofivpr.places.check import Checked, check
from lofivpr.places.datasets import public_datasets
from lofivpr.places.export import export_utm_names
from lofivpr.search.export import write_pairs

INCOMPLETE = 1
FOLDERS_SHOWN = 5

data = typer.Typer(help="Data sets on disk: check them, and export them for other tools.", no_args_is_help=True)


@data.command("check")
def check_data(
    path: Annotated[Path, typer.Argument(help="A data set's folder, a places.csv, or a folder of pictures.")],
    convention: Annotated[str | None, typer.Option(help="Its convention; told from the path if not given.")] = None,
    protocol: Annotated[str | None, typer.Option(help="Ask this protocol, such as pitts30k-test.")] = None,
    positives: Annotated[str | None, typer.Option(help="For the general protocols: 25m; place; 2frames.")] = None,
    out: Annotated[Path | None, typer.Option(help="Draw a map of the pictures: a .png or .svg file.")] = None,
) -> None:
    """Which convention a folder follows, what is missing, how many pictures, positions and positives.

    Ends in exit code 1 when something is missing.
    """
    found = check(path, convention, protocol, positives)
    _print_inventory(found)
    _print_protocols(found)
    if out is not None:
        from lofivpr.evaluation.places_map import save_places_map  # loads matplotlib, which other commands do without

        typer.echo(f"wrote {save_places_map(found.places, out)}")
    _print_missing(found)
    if not found.is_whole:
        raise typer.Exit(INCOMPLETE)


def _print_inventory(found: Checked) -> None:
    places = found.places
    positioned = len(places) - places.table["easting"].null_count
    name = f" ({found.dataset.title})" if found.dataset else ""
    typer.echo(f"convention: {found.convention}{name}")
    typer.echo(f"pictures: {len(places)}, {len(places) - len(found.missing)} of them on disk")
    typer.echo(f"positions: {positioned}; headings: {len(places) - places.table['heading_deg'].null_count}")
    for number, split in enumerate(places.splits or [""]):
        part = places.split(split) if split else places
        queries = int((part.column("role") == "query").sum())
        label = f"split {split}" if split else "no splits"
        typer.echo(
            f"{'splits: ' if number == 0 else '        '}{label}: {len(part) - queries} database, {queries} queries"
        )


def _print_protocols(found: Checked) -> None:
    table = Table()
    table.add_column("protocol", no_wrap=True)
    for name in ("positives", "queries", "with positives", "positives of each", "database"):
        table.add_column(name, justify="right")
    for one in found.asked:
        counts = (str(one.queries), str(one.with_positives), f"{one.positives:g}", str(one.database))
        name = f"{one.protocol.name} v{one.protocol.version}"
        table.add_row(name, str(one.protocol.positives), *(["-"] * 4 if one.fault else counts))
    Console().print(table)
    for one in found.asked:
        if one.fault:
            typer.echo(f"{one.protocol.name}: {one.fault}")
        elif not one.as_published:
            typer.echo(f"{one.protocol.name}: {one.queries} / {one.database} differ from the published {one.published}")
        if one.protocol.terms.discouraged:
            typer.echo(f"{one.protocol.name} is discouraged: {one.protocol.terms.discouraged}")


def _print_missing(found: Checked) -> None:
    for text in found.lacking:
        typer.echo(f"missing: {text}")
    folders = found.missing_by_folder
    for folder, count in list(folders.items())[:FOLDERS_SHOWN]:
        first = next(image for image in found.missing if (image.rpartition("/")[0] or ".") == folder)
        typer.echo(f"missing: {count} pictures in {folder}, first {first}")
    if len(folders) > FOLDERS_SHOWN:
        typer.echo(f"missing: pictures in {len(folders) - FOLDERS_SHOWN} more folders")
    if found.is_whole:
        typer.echo("nothing is missing")
    elif found.dataset:
        typer.echo(found.dataset.advice(found.places.root))


@data.command("list")
def list_data() -> None:
    """The public data sets that have a reader, and their protocols."""
    table = Table("data set", "convention", "protocols")
    for dataset in public_datasets().values():
        table.add_row(dataset.name, dataset.convention, ", ".join(dataset.protocols))
    Console().print(table)


@data.command("export")
def export_data(
    source: Annotated[Path, typer.Argument(help="Places (for utm-names), or a folder that `evaluate` wrote.")],
    to: Annotated[Literal["utm-names", "hloc", "colmap", "predictions"], typer.Option(help="For which tool.")],
    out: Annotated[Path, typer.Option(help="The folder of links, or the text file, to write.")],
    split: Annotated[str | None, typer.Option(help="utm-names: only this split.")] = None,
    model: Annotated[str | None, typer.Option(help="Of the results; needed if there are several.")] = None,
    quality: Annotated[str | None, typer.Option(help="Of the results; needed if there are several.")] = None,
    k: Annotated[int, typer.Option("-k", min=1, help="Neighbours of each query.")] = 10,
) -> None:
    """Places as UTM-named links; what was found as pairs.txt of hloc or COLMAP, or as predictions."""
    if to == "utm-names":
        places = Places.open(source)
        places = places if split is None else places.split(split)
        typer.echo(f"wrote {len(places)} links into {export_utm_names(places, out)}")
        return
    scene, outcomes = load_outcomes(source / "neighbours.npz")
    fitting = [key for key in outcomes if model in (None, key[0]) and quality in (None, key[1])]
    if len(fitting) != 1:
        there = "; ".join(f"--model {name} --quality {value}" for name, value in outcomes)
        raise LofiError(f"expected --model and --quality of one measurement, found {len(fitting)}. There are: {there}.")
    indices = outcomes[fitting[0]].indices
    lines = write_pairs(out, to, scene.query_images, scene.database_images, indices, k)
    typer.echo(f"wrote {lines} lines into {out}")
