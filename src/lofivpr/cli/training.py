"""`lofivpr train` and `lofivpr distill`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import lofivpr
from lofivpr.errors import LofiError
from lofivpr.places import Places

if TYPE_CHECKING:
    from lofivpr.models import PlaceModel
    from lofivpr.training import Recipe

PlacesOption = Annotated[Path, typer.Option("--places", help="A places.csv, or a folder that holds one.")]
SplitOption = Annotated[str, typer.Option("--split", help="The split to train on.")]
OutOption = Annotated[Path, typer.Option("--out", help="The model folder to write; must not exist.")]
EpochsOption = Annotated[int | None, typer.Option("--epochs", min=0, help="Instead of the recipe's epochs.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a value of the recipe: key=value. Repeat for more."),
]

SkipOption = Annotated[bool, typer.Option("--skip-bad", help="Leave out bad pictures, and list them.")]

# The training room needs torch. Reached through `lofivpr`, its absence is a message and not a traceback.


def train(
    places: PlacesOption,
    out: OutOption,
    split: SplitOption = "train",
    backbone: Annotated[
        str, typer.Option(help="See `lofivpr models list`; with options: resnet50:cut=layer4.")
    ] = "efficientnet_lite0",
    aggregator: Annotated[
        str, typer.Option(help="See `lofivpr models list`; with options: netvlad:clusters=16.")
    ] = "netvlad",
    size: Annotated[
        str | None, typer.Option(help="The model's input, WIDTHxHEIGHT in multiples of the stride; about 320x240.")
    ] = None,
    weights: Annotated[
        str | None,
        typer.Option(help="Of the backbone: download, random, a model folder or a file; default: those installed."),
    ] = None,
    recipe: Annotated[str, typer.Option(help="teacher, gsv-cities, no-teacher, or a YAML file.")] = "teacher",
    epochs: EpochsOption = None,
    settings: SetOption = None,
    skip_bad: SkipOption = False,
) -> None:
    """Make a teacher from sharp pictures. --epochs 0: backbone and k-means initialisation only."""
    run = lofivpr.train  # without torch this says what to install, before anything is read
    chosen = _recipe(recipe, epochs, settings)
    data = Places.open(places).split(split)
    model = run(data, backbone, aggregator, chosen, out, size=_size(size), weights=weights, skip_bad=skip_bad)
    _report(model, out)


def distill(
    teacher: Annotated[Path, typer.Option(help="The teacher's model folder.")],
    places: PlacesOption,
    out: OutOption,
    split: SplitOption = "train",
    recipe: Annotated[str, typer.Option(help="one-student, all-qualities, paper, or a YAML file.")] = "one-student",
    student: Annotated[Path | None, typer.Option(help="Start from this model folder, not from the teacher.")] = None,
    epochs: EpochsOption = None,
    settings: SetOption = None,
    skip_bad: SkipOption = False,
) -> None:
    """Make a student that sees degraded pictures as the teacher sees sharp ones."""
    run = lofivpr.distill
    chosen = _recipe(recipe, epochs, settings)
    data = Places.open(places).split(split)
    _report(run(teacher, data, chosen, out, student, skip_bad=skip_bad), out)


def _recipe(name: str, epochs: int | None, settings: list[str] | None) -> Recipe:
    overrides = [*(settings or []), *([] if epochs is None else [f"epochs={epochs}"])]
    return lofivpr.Recipe.load(name).with_settings(overrides)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    match = re.fullmatch(r"(\d+)x(\d+)", text.strip().lower())
    if match is None:
        raise LofiError(f"expected a size such as 320x240 (width x height), found {text!r}. Correct --size.")
    return int(match[1]), int(match[2])


def _report(model: PlaceModel, out: Path) -> None:
    for picture in model.card.get("training", {}).get("skipped", []):
        typer.echo(f"skipped {picture['image']}: {picture['reason']}")
    typer.echo(f"wrote {out}")
