"""`lofivpr train` and `lofivpr distill`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import lofivpr
from lofivpr.places import Places

if TYPE_CHECKING:
    from lofivpr.training import Recipe

PlacesOption = Annotated[Path, typer.Option("--places", help="A places.csv, or a folder that holds one.")]
SplitOption = Annotated[str, typer.Option("--split", help="The split to train on.")]
OutOption = Annotated[Path, typer.Option("--out", help="The model folder to write; must not exist.")]
EpochsOption = Annotated[int | None, typer.Option("--epochs", min=0, help="Instead of the recipe's epochs.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Override a value of the recipe: key=value. Repeat for more."),
]

# The training room needs torch. Reached through `lofivpr`, its absence is a message and not a traceback.


def train(
    places: PlacesOption,
    out: OutOption,
    split: SplitOption = "train",
    backbone: Annotated[str, typer.Option(help="See `lofivpr models list`.")] = "efficientnet_lite0",
    aggregator: Annotated[str, typer.Option(help="See `lofivpr models list`.")] = "netvlad",
    recipe: Annotated[str, typer.Option(help="teacher, no-teacher, or a YAML file.")] = "teacher",
    epochs: EpochsOption = None,
    settings: SetOption = None,
) -> None:
    """Make a teacher from sharp pictures. --epochs 0: backbone and k-means initialisation only."""
    chosen = _recipe(recipe, epochs, settings)
    lofivpr.train(Places.open(places).split(split), backbone, aggregator, recipe=chosen, out=out)
    typer.echo(f"wrote {out}")


def distill(
    teacher: Annotated[Path, typer.Option(help="The teacher's model folder.")],
    places: PlacesOption,
    out: OutOption,
    split: SplitOption = "train",
    recipe: Annotated[str, typer.Option(help="all-qualities, paper, or a YAML file.")] = "all-qualities",
    student: Annotated[Path | None, typer.Option(help="Start from this model folder, not from the teacher.")] = None,
    epochs: EpochsOption = None,
    settings: SetOption = None,
) -> None:
    """Make a student that sees degraded pictures as the teacher sees sharp ones."""
    chosen = _recipe(recipe, epochs, settings)
    lofivpr.distill(teacher, Places.open(places).split(split), recipe=chosen, out=out, student=student)
    typer.echo(f"wrote {out}")


def _recipe(name: str, epochs: int | None, settings: list[str] | None) -> Recipe:
    overrides = [*(settings or []), *([] if epochs is None else [f"epochs={epochs}"])]
    return lofivpr.Recipe.load(name).with_settings(overrides)
