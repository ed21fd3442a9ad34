"""`lofivpr models`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from lofivpr.models import aggregator_names, backbone_names, read_card, read_config

models = typer.Typer(help="The models there are.", no_args_is_help=True)


@models.command("list")
def list_models() -> None:
    """Names for `train --backbone` and `--aggregator`."""
    table = Table("kind", "name")
    for kind, names in (("backbone", backbone_names()), ("aggregator", aggregator_names())):
        for name in names:
            table.add_row(kind, name)
    Console().print(table)


@models.command("show")
def show_model(folder: Annotated[Path, typer.Argument(help="A model folder.")]) -> None:
    """What a model folder holds: architecture, preprocessing, and the card of how it was made."""
    Console().print_json(data=read_config(folder).model_dump(mode="json") | {"card": read_card(folder)})
