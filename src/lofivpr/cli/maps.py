"""`lofivpr map`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lofivpr.cli.calibrate import calibrate, honesty, open_to_change
from lofivpr.cli.ray import RayAddress, cluster_at
from lofivpr.cli.runtime import RuntimeOption
from lofivpr.errors import LofiError
from lofivpr.maps import Fix, Loss, Map, MapInfo
from lofivpr.models import load_describer
from lofivpr.places import Places

maps = typer.Typer(help="Maps of places: build, change, look into, and locate pictures in.", no_args_is_help=True)

MapFolder = Annotated[Path, typer.Argument(metavar="MAP", help="The folder of a map.")]
PlacesPath = Annotated[Path, typer.Argument(metavar="PLACES", help="A places.csv, or a folder of pictures.")]
Split = Annotated[str | None, typer.Option(help="The split; all pictures if not given.")]
SkipBad = Annotated[bool, typer.Option("--skip-bad", help="Leave out bad pictures, and list them.")]


@maps.command("build")
def build(
    places: PlacesPath,
    model: Annotated[Path, typer.Option(help="A model folder.")],
    out: Annotated[Path, typer.Option(help="The folder of the new map.")],
    split: Split = None,
    dtype: Annotated[str, typer.Option(help="float32, float16, int8, pq64 to pq512.")] = "float16",
    search: Annotated[
        Literal["auto", "exact", "ivf"], typer.Option(help="Compare every place, or find candidates by an index.")
    ] = "auto",
    skip_bad: SkipBad = False,
    runtime: RuntimeOption = "auto",
    ray: RayAddress = None,
) -> None:
    """Describe the places of a database into a map; an interrupted run goes on where it stopped."""
    built = Map.build(
        load_describer(model, runtime),
        _database(places, split),
        out,
        dtype=dtype,
        search=search,
        skip_bad=skip_bad,
        model_folder=model,
        progress=True,
        cluster=cluster_at(ray, model),
    )
    _tell(built)


@maps.command("add")
def add(
    map_folder: MapFolder,
    places: PlacesPath,
    model: Annotated[Path | None, typer.Option(help="The model folder, if it is not where it was.")] = None,
    split: Split = None,
    skip_bad: SkipBad = False,
    runtime: RuntimeOption = "auto",
) -> None:
    """Describe more places into a map; an interrupted run goes on where it stopped."""
    town = open_to_change(map_folder)
    describer = load_describer(model or town.model_folder, runtime)
    town.add(describer, _database(places, split), skip_bad=skip_bad, progress=True)
    _tell(town)


@maps.command("remove")
def remove(
    map_folder: MapFolder,
    refs: Annotated[list[str], typer.Argument(metavar="REF...", help="Pictures as the map names them.")],
) -> None:
    """Take places out of a map."""
    town = open_to_change(map_folder)
    town.remove(refs)
    _tell(town)


@maps.command("merge")
def merge(map_folder: MapFolder, other: Annotated[Path, typer.Argument(help="The map to copy from.")]) -> None:
    """Copy all places of another map into a map."""
    town = open_to_change(map_folder)
    town.merge(Map.open(other))
    _tell(town)


@maps.command("info")
def info(map_folder: MapFolder) -> None:
    """What a map is: places, model, size, how it is searched, what its number format costs."""
    print_info(Map.open(map_folder).info())


@maps.command("check")
def check(map_folder: MapFolder) -> None:
    """Read every file of a map and compare it with its digest."""
    town = Map.open(map_folder)
    town.check()
    typer.echo(f"{len(town)} places in {map_folder}, every file is as it was written")
    if unfinished := town.info().unfinished:
        typer.echo(f"{unfinished} additions were interrupted: run `lofivpr map add` again, it goes on")


@maps.command("locate")
def locate(
    map_folder: MapFolder,
    queries: Annotated[list[str], typer.Argument(metavar="QUERY...", help="Pictures.")],
    model: Annotated[
        Path | None, typer.Option(help="The map's model or a student of it; default: the map's model.")
    ] = None,
    near: Annotated[str | None, typer.Option(metavar="LAT,LON", help="Only places around this point.")] = None,
    radius: Annotated[float | None, typer.Option(help="So many metres around --near.")] = None,
    heading: Annotated[float | None, typer.Option(help="Only places that look about this way, in degrees.")] = None,
    k: Annotated[int, typer.Option("--places", min=1, help="How many places to list.")] = 5,
    uncalibrated: Annotated[
        bool, typer.Option("--uncalibrated", help="A best guess without probability, never abstaining.")
    ] = False,
) -> None:
    """Where pictures were taken."""
    town = Map.open(map_folder)
    describer = load_describer(model or town.model_folder)
    point = None if near is None else _point(near)
    for query in queries:
        fix = town.locate(
            describer, query, k=k, near=point, radius_m=radius, heading=heading, calibrated=not uncalibrated
        )
        print_fix(query, fix)


maps.command("calibrate")(calibrate)
maps.command("honesty")(honesty)


def _database(path: Path, split: str | None) -> Places:
    places = Places.open(path)
    return (places if split is None else places.split(split)).database


def _point(text: str) -> tuple[float, float]:
    try:
        first, second = (float(part) for part in text.split(","))
    except ValueError:
        raise LofiError(f"expected --near LAT,LON in degrees, such as 52.01,4.36, found {text!r}.") from None
    return first, second


def _tell(town: Map) -> None:
    for picture in town.skipped:
        typer.echo(f"skipped {picture.image}: {picture.reason}")
    typer.echo(f"{len(town)} places in {town.folder}")


def print_info(info: MapInfo) -> None:
    """A map in a table."""
    beside = f", {info.unindexed} places compared one by one" if info.unindexed else ""
    rows = {
        "places": f"{info.places}" + (f" ({info.removed} more removed)" if info.removed else ""),
        "model": f"{info.model} ({info.model_digest})",
        "descriptors": f"{info.dimension} x {info.dtype}",
        "bytes": f"{info.n_bytes:,} in {info.segments} segments",
        "search": info.index + beside,
        f"cost of {info.dtype}": _loss(info.loss, "float32"),
        "cost of the index": _loss(info.index_loss, "comparing every place"),
        "calibrated": ", ".join(info.qualities) or "no, see `lofivpr map calibrate`",
        "skipped pictures": f"{info.skipped}",
        "interrupted additions": f"{info.unfinished}",
    }
    if info.index_loss is None:
        del rows["cost of the index"]
    table = Table(show_header=False)
    for name, value in rows.items():
        table.add_row(name, escape(value))
    Console().print(table)


def _loss(loss: Loss | None, other: str) -> str:
    if loss is None:
        return "none"
    same = f"same first place as {other}: {loss.agreement:.1f} % of {loss.queries}"
    if loss.points is None or loss.recall is None or loss.recall_exact is None:
        return same
    return (
        f"{loss.points:.1f} points of recall@1 within {loss.radius_m:g} m ({loss.recall_exact:.1f} to "
        f"{loss.recall:.1f} %); {same}"
    )


def print_fix(query: str, fix: Fix) -> None:
    """An answer and the places it stands on."""
    where = "nowhere" if fix.lat is None else f"{fix.lat:.6f},{fix.lon:.6f}"
    sure = "" if fix.probability is None else f", within {fix.within_m:g} m with probability {fix.probability:.2f}"
    answer = f"{where}{sure}" if fix.answered else f"no answer: {fix.reason} (best guess {where})"
    typer.echo(f"{query}: {answer}")
    for one in fix.candidates:
        position = "" if one.lat is None else f"  {one.lat:.6f},{one.lon:.6f}"
        typer.echo(f"  {one.similarity:.3f}  {one.ref}{position}")
