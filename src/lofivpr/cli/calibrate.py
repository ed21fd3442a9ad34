"""`lofivpr map calibrate` and `lofivpr map honesty`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from lofivpr import files
from lofivpr.errors import LofiError
from lofivpr.maps import Map
from lofivpr.maps.abstain import Threshold, groups_needed
from lofivpr.maps.calibrate import Terms
from lofivpr.maps.calibrate import calibrate as run_calibration
from lofivpr.maps.calibration import Calibration
from lofivpr.maps.honesty import honesty as run_honesty
from lofivpr.maps.writer import check_not_copied
from lofivpr.models import Describer, load_describer
from lofivpr.places import Places
from lofivpr.quality import Quality

MapFolder = Annotated[Path, typer.Argument(metavar="MAP", help="The folder of a map.")]
PlacesPath = Annotated[Path, typer.Option("--places", help="A places.csv, or a folder of pictures.")]
Model = Annotated[
    Path | None, typer.Option(help="Describes queries: the map's model or a student; default: the map's model.")
]
Qualities = Annotated[
    list[str] | None, typer.Option("--quality", help="What queries come in: raw, 240p/jpeg:5. Repeat.")
]
Cache = Annotated[Path | None, typer.Option(help="Keeps descriptors here, so that an interrupted run goes on.")]


def calibrate(
    map_folder: MapFolder,
    places: PlacesPath,
    model: Model = None,
    quality: Qualities = None,
    split: Annotated[str | None, typer.Option(help="A training area; never the one that is tested on.")] = "train",
    within: Annotated[float, typer.Option(help="An answer is right within so many metres.")] = 25.0,
    wrong_at_most: Annotated[float, typer.Option(help="Percent of the answers that may be wrong.")] = 5.0,
    confidence: Annotated[float, typer.Option(help="Percent: how sure this promise is.")] = 90.0,
    guarantee: Annotated[
        Literal["mix", "each"], typer.Option(help="Promise it for all qualities together, or for each of them.")
    ] = "mix",
    protocol: Annotated[
        Literal["roles", "leave-panorama-out"], typer.Option(help="The latter asks with every picture.")
    ] = "roles",
    views: Annotated[int | None, typer.Option(min=1, help="Ask so many pictures of each panorama, not all.")] = None,
    absent: Annotated[
        float, typer.Option(help="Percent of the panoramas that are asked without their surroundings in the map.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, help="Of what is drawn.")] = 0,
    cache: Cache = None,
) -> None:
    """Find out how sure the answers of a map are at each quality, and when to abstain; written into the map."""
    town = open_to_change(map_folder)
    describer = _describer(town, model)
    data = Places.open(places)
    terms = Terms(
        within_m=within,
        wrong_at_most=wrong_at_most / 100,
        confidence=confidence / 100,
        guarantee=guarantee,
        protocol=protocol,
        views=views,
        absent=absent / 100,
        seed=seed,
    )
    found = run_calibration(
        describer,
        _maker(town, describer),
        data if split is None else data.split(split),
        [Quality.parse(text) for text in quality or ["raw"]],
        terms,
        dtype=town.info().dtype,
        cache=cache,
        progress=True,
    )
    found.write(town.calibration_path)
    print_calibration(found)
    typer.echo(f"wrote {town.calibration_path}")


def honesty(
    map_folder: MapFolder,
    places: PlacesPath,
    model: Model = None,
    quality: Qualities = None,
    split: Annotated[str | None, typer.Option(help="Its queries are on the map, and were not calibrated on.")] = "test",
    elsewhere: Annotated[str | None, typer.Option(help="A split of an area that is not on the map.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .json to write the table to; the reliability diagram lies beside it.")
    ] = None,
    cache: Cache = None,
) -> None:
    """Ask a calibrated map with held-out queries: how many are answered, and how many of the answers are wrong."""
    town = Map.open(map_folder)
    data = Places.open(places)
    table = run_honesty(
        town,
        _describer(town, model),
        (data if split is None else data.split(split)).queries,
        quality or ["raw"],
        None if elsewhere is None else data.split(elsewhere).queries,
        cache=cache,
        progress=True,
    )
    if out is not None:
        from lofivpr.evaluation.theme import render
        from lofivpr.maps.reliability_plot import reliability_diagram

        files.write_json(out, table.to_dict())
        files.write_atomic(out.with_suffix(".png"), render(reliability_diagram(table.reliability), "png"))
    typer.echo(table.markdown(), nl=False)


def open_to_change(folder: Path) -> Map:
    """Open a map that is to be changed. Raises LofiError: it lies at a URL, told before it is copied from there."""
    check_not_copied(folder)
    return Map.open(folder)


def _describer(town: Map, model: Path | None) -> Describer:
    """Who describes queries."""
    describer = load_describer(model or town.model_folder)
    town.require_model(describer)
    return describer


def _maker(town: Map, describer: Describer) -> Describer:
    """Who made the map.

    Raises:
        LofiError: it is not where it was.
    """
    if describer.digest == town.model_digest:
        return describer
    maker = load_describer(town.model_folder)
    if maker.digest != town.model_digest:
        raise LofiError(
            f"expected the model that made the map {town.folder} ({town.model_digest}) in {town.model_folder}, found "
            f"another ({maker.digest}). Build the map again with it, or put the old one back."
        )
    return maker


def print_calibration(found: Calibration) -> None:
    """The curve, and what is promised."""
    table = Table(title=f"queries held out of the fit, right within {found.within_m:g} m")
    for name in ("quality", "bytes", "R@1 %", "right %", "mean probability", "answered %", "wrong % of answers"):
        table.add_column(name, justify="left" if name == "quality" else "right")
    for point in found.curve:
        size = "-" if point.n_bytes is None else f"{point.n_bytes:,.0f}"
        wrong = "-" if point.wrong is None else f"{point.wrong:.1f}"
        shares = (f"{point.recall:.1f}", f"{point.right:.1f}", f"{point.probability:.3f}", f"{point.answered:.1f}")
        table.add_row(escape(point.quality), size, *shares, wrong)
    Console().print(table)
    typer.echo(f"expected calibration error {found.reliability.ece:.3f}, Brier score {found.reliability.brier:.3f}")
    for threshold in found.thresholds if found.guarantee == "each" else found.thresholds[:1]:
        typer.echo(promise(threshold))


def promise(threshold: Threshold) -> str:
    """What a threshold promises, in words."""
    at = "" if threshold.quality == "mix" else f" at {threshold.quality}"
    share = f"at most {100 * threshold.wrong_at_most:g} % of the answers{at} wrong"
    if threshold.probability is None:
        needed = groups_needed(threshold.wrong_at_most, threshold.confidence)
        return (
            f"{share}: cannot be promised, so nothing is answered. At least {needed} answers to different panoramas "
            f"must be right to prove it, and {threshold.groups} were asked. Ask more (--protocol leave-panorama-out, "
            "more pictures), or promise less (--wrong-at-most, --confidence)."
        )
    return (
        f"{share}, promised with {100 * threshold.confidence:g} % confidence, from a probability of "
        f"{threshold.probability:.3f}: {threshold.wrong} of {threshold.answered} answers to different panoramas were "
        "wrong"
    )
