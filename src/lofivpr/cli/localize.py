"""`lofivpr localize`."""

from __future__ import annotations

import os
import re
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from lofivpr.errors import LofiError
from lofivpr.serving import Client, read_api_keys
from lofivpr.serving.client.journal import Journal, Row
from lofivpr.serving.client.localize import Summary
from lofivpr.serving.client.localize import localize as run
from lofivpr.serving.client.source import is_camera

KEY = "LOFIVPR_API_KEY"


def localize(
    source: Annotated[
        str, typer.Argument(metavar="SOURCE", help="A picture, a folder of pictures, a clip, or camera:0.")
    ],
    server: Annotated[str, typer.Option(metavar="URL", help="Of the service, such as https://vpr.example:8000.")],
    key_file: Annotated[
        Path | None, typer.Option(help=f"The API key, as KEY or NAME:KEY; default: the variable {KEY}.")
    ] = None,
    ca: Annotated[Path | None, typer.Option(help="PEM file of the authority that signed the certificate.")] = None,
    insecure: Annotated[bool, typer.Option("--insecure", help="Send the API key without TLS all the same.")] = False,
    latency: Annotated[float | None, typer.Option(metavar="SECONDS", help="Hold this from picture to answer.")] = None,
    budget: Annotated[str | None, typer.Option(metavar="BYTES", help="Of a picture at most: 2000, 2kB.")] = None,
    probability: Annotated[float, typer.Option(help="Wanted of a right answer, 0 to 1.")] = 0.9,
    quality: Annotated[str | None, typer.Option(help="Always send this one, such as 240p/jpeg:20.")] = None,
    fps: Annotated[float, typer.Option(help="Frames a second of a clip.")] = 2.0,
    out: Annotated[
        Path | None, typer.Option(help="A .csv, or .jsonl with a line of JSON each; the same command goes on with it.")
    ] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out bad pictures, and list them.")] = False,
) -> None:
    """Ask a service where pictures, frames of a clip, or what a camera sees were taken."""
    if not 0 < fps <= 1000:
        raise LofiError(f"expected frames a second above 0, found {fps}. Correct --fps.")
    summary = Summary()
    with ExitStack() as stack:
        journal = None if out is None else stack.enter_context(Journal(out))
        client = stack.enter_context(
            Client(
                server,
                key=_key(key_file),
                ca=ca,
                insecure=insecure,
                probability=probability,
                latency_s=latency,
                budget_bytes=None if budget is None else parse_bytes(budget),
                quality=quality,
            )
        )
        done = set() if journal is None else set(journal.done)
        if done:
            typer.echo(f"{out} holds {len(done)} answers: going on with the others")
        try:
            _run(client, source, fps, done, skip_bad, journal, summary)
        except KeyboardInterrupt:
            if not is_camera(source):
                raise
        finally:
            print_summary(summary)


def _run(
    client: Client,
    source: str,
    fps: float,
    done: set[str],
    skip_bad: bool,
    journal: Journal | None,
    summary: Summary,
) -> None:
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("asking", total=None)
        for name, answer in run(client, source, fps=fps, done=done, skip_bad=skip_bad):
            summary.add(answer)
            row = Row.of(name, answer)
            if journal is not None:
                journal.write(row)
            else:
                typer.echo(_line(row))
            asked = summary.fixes + summary.abstained + summary.missed
            progress.update(task, description=f"{asked} asked, {summary.fixes} fixes")


def _line(row: Row) -> str:
    """A row as people read it."""
    if not row.answered:
        return f"{row.source}: no answer: {row.reason}"
    sure = "" if row.probability is None else f", within {row.within_m:g} m with probability {row.probability:.2f}"
    return f"{row.source}: {row.lat:.6f},{row.lon:.6f}{sure} ({row.quality}, {row.bytes} bytes, {row.seconds:.2f} s)"


def _key(path: Path | None) -> str | None:
    if path is None:
        return os.environ.get(KEY) or None
    return read_api_keys(path)[0].secret


def parse_bytes(text: str) -> int:
    """A number of bytes such as 2000, 2kB or 1.5 kB.

    Raises:
        LofiError: no such number.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(k?)b?", text.strip().lower())
    if match is None:
        raise LofiError(f"expected a number of bytes such as 2000 or 2kB, found {text!r}. Correct --budget.")
    return round(float(match[1]) * (1000 if match[2] else 1))


def print_summary(summary: Summary) -> None:
    """What a run came to, in a table."""
    each, median = summary.bytes_per_fix, summary.median_s
    table = Table("fixes", "abstained", "missed", "bytes per fix", "median latency")
    table.add_row(
        str(summary.fixes),
        str(summary.abstained),
        str(summary.missed),
        "-" if each is None else f"{each:.0f}",
        "-" if median is None else f"{1000 * median:.0f} ms",
    )
    Console().print(table)
