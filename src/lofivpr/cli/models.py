"""`lofivpr models`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from lofivpr.evaluation import Results, write_measured
from lofivpr.models import aggregator_names, backbone_names, read_card, read_config
from lofivpr.models.weights import import_weights, importable_weights
from lofivpr.models.weights.facts import published_facts
from lofivpr.places import Places

INITIALISATION_PICTURES = 500  # published NetVLAD practice

models = typer.Typer(help="The models there are, and those that are published.", no_args_is_help=True)


@models.command("list")
def list_models() -> None:
    """Names for `train --backbone` and `--aggregator`, and published weights for `models import`, with their cost."""
    # A pipe gets whole lines, whatever the width of the terminal behind it.
    console = Console() if sys.stdout.isatty() else Console(width=240)
    table = Table("kind", "name")
    for kind, names in (("backbone", backbone_names()), ("aggregator", aggregator_names())):
        for name in names:
            table.add_row(kind, name)
    console.print(table)
    weights = Table("kind", "name", "numbers", "parameters (M)", "GFLOPs", "size", "licence of the weights", "source")
    facts = published_facts()
    for entry in importable_weights().values():
        of = facts[entry.name]
        cells = [entry.name, str(of.descriptor), f"{of.parameters:.1f}", f"{of.gflops:.1f}", of.sizes]
        weights.add_row("weights", *cells, entry.licence, entry.source)
    console.print(weights)


@models.command("show")
def show_model(folder: Annotated[Path, typer.Argument(help="A model folder.")]) -> None:
    """What a model folder holds: architecture, preprocessing, and the card of how it was made."""
    Console().print_json(data=read_config(folder).model_dump(mode="json") | {"card": read_card(folder)})


@models.command("measured")
def note_measured(
    folder: Annotated[Path, typer.Argument(help="A model folder.")],
    results: Annotated[Path, typer.Argument(help="What `lofivpr evaluate --out` wrote about it.")],
) -> None:
    """Write what an evaluation measured into a model's card, every number with its protocol."""
    typer.echo(f"{folder}: {write_measured(Results.load(results), folder)}")


@models.command("import")
def import_model(
    file: Annotated[Path, typer.Argument(help="A file of weights, as published.")],
    name: Annotated[str, typer.Argument(help="What it is: a name of kind weights in `lofivpr models list`.")],
    out: Annotated[Path, typer.Option(help="The model folder to write; must not exist.")],
    places: Annotated[
        Path | None, typer.Option(help="Pictures that NetVLAD's clusters are made of; only for vgg16-netvlad.")
    ] = None,
    onnx: Annotated[bool, typer.Option(help="Whether to write model.onnx too.")] = True,
) -> None:
    """Convert published weights once into a model folder, with their source and licence in its card."""
    pictures = None if places is None else _pictures(Places.open(places))
    model = import_weights(file, name, out, onnx=onnx, pictures=pictures)
    typer.echo(f"wrote {out}: {name}, descriptors of {model.descriptor_size} numbers")
    typer.echo(f"source: {model.config.weights_source}; licence: {model.config.weights_licence}")


def _pictures(places: Places, seed: int = 0) -> Iterator[np.ndarray]:
    """Pictures in an order drawn by `seed`, opened as they are asked for."""
    rows = np.random.default_rng(seed).permutation(len(places))[:INITIALISATION_PICTURES]
    return (places.open_image(int(row)) for row in rows)
