"""The commands put together, and how a user's mistake is told."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from lofivpr.cli.demo import demo
from lofivpr.cli.evaluate import evaluate
from lofivpr.cli.models import models
from lofivpr.cli.pictures import degrade, describe, town
from lofivpr.cli.training import distill, train
from lofivpr.errors import LofiError

app = typer.Typer(
    name="lofivpr",
    help="Measure what a channel costs in recall, distil a model that gets it back, serve it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, town, degrade, train, distill, describe, evaluate):
    app.command()(command)
app.add_typer(models, name="models")


def main() -> None:
    """Run a command. A LofiError ends in one message and exit code 2, an interrupt in exit code 130."""
    try:
        app()
    except LofiError as error:
        Console(stderr=True).print(f"[bold red]error:[/] {error}", markup=True, highlight=False, soft_wrap=True)
        sys.exit(2)
    except KeyboardInterrupt:
        Console(stderr=True).print("interrupted: the same command goes on from here.")
        sys.exit(130)
