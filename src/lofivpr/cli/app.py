"""The commands put together, and how a user's mistake is told."""

from __future__ import annotations

import errno
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from lofivpr.cli.align import align
from lofivpr.cli.data import data
from lofivpr.cli.demo import demo
from lofivpr.cli.evaluate import evaluate
from lofivpr.cli.export import export
from lofivpr.cli.localize import localize
from lofivpr.cli.maps import maps
from lofivpr.cli.models import models
from lofivpr.cli.pictures import degrade, describe, town
from lofivpr.cli.serve import serve
from lofivpr.cli.study import study
from lofivpr.cli.training import distill, train
from lofivpr.cli.video import video
from lofivpr.errors import LofiError

MISTAKE, INTERRUPTED = 2, 130


class Commands(TyperGroup):
    """All commands. A mistake ends in one message and exit code 2, an interrupt in exit code 130."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command that was named. What is caught here is no bug; anything else keeps its traceback."""
        try:
            return super().invoke(ctx)
        except LofiError as error:
            message, code = f"error: {error}", MISTAKE
        except OSError as error:
            if error.errno in (None, errno.EPIPE):  # EPIPE: the reader of a pipe has seen enough; typer knows
                raise
            found = f"{error.strerror} ({error.filename})" if error.filename else error.strerror
            message = f"error: expected to read and write files, found: {found}. Check path, permissions and space."
            code = MISTAKE
        except KeyboardInterrupt:
            message, code = "interrupted: the same command goes on with what was finished.", INTERRUPTED
        tell(message)
        raise typer.Exit(code)


def tell(message: str) -> None:
    """One line on standard error, as it is: brackets in it are no markup."""
    text = Text(message)
    text.highlight_regex(r"^error:", "bold red")
    Console(stderr=True).print(text, soft_wrap=True)


app = typer.Typer(
    cls=Commands,
    name="lofivpr",
    help="Measure what a channel costs in recall, distil a model that gets it back, serve it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (demo, town, video, degrade, train, distill, describe, evaluate, study, export, serve, localize):
    app.command()(command)
app.add_typer(models, name="models")
app.add_typer(data, name="data")
app.add_typer(maps, name="map")
app.add_typer(align, name="align")


def main() -> None:
    """Run the command of `sys.argv`; always ends in SystemExit."""
    app(prog_name="lofivpr")
