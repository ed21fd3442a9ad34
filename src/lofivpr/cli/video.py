"""`lofivpr video`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from lofivpr.errors import LofiError
from lofivpr.places.video import Views, gather_video


def video(
    clips: Annotated[list[str], typer.Argument(metavar="CLIP...", help="Recordings: files or URLs.")],
    out: Annotated[Path, typer.Option(help="The folder of the data set, without a places.csv yet.")],
    every: Annotated[str, typer.Option(help="The time between pictures, such as 1s or 0.5s.")] = "1s",
    yaw_step: Annotated[
        float | None, typer.Option(help="Degrees between the views of 360-degree clips; without it: plain clips.")
    ] = None,
    pitch: Annotated[float | None, typer.Option(help="Degrees upwards of the views; default 0.")] = None,
    fov: Annotated[float | None, typer.Option(help="Horizontal field of view in degrees; default 90.")] = None,
    mask: Annotated[Path | None, typer.Option(help="A picture: black hides, such as who carries the camera.")] = None,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave out bad clips, take what is whole of cut ones, and list them.")
    ] = False,
) -> None:
    """Make a data set of recordings: plain clips or views of 360-degree ones; pictures are decoded when needed."""
    found = gather_video(clips, out, _seconds(every), _views(yaw_step, pitch, fov), mask, skip_bad, progress=True)
    for clip, reason in found.missing:
        typer.echo(f"missing of {clip}: {reason}")
    typer.echo(f"wrote {found.pictures} pictures into {found.path}")


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)s?", text.strip().lower())
    if match is None:
        raise LofiError(f"expected a time such as 1s or 0.5s, found {text!r}. Correct --every.")
    return float(match[1])


def _views(yaw_step: float | None, pitch: float | None, fov: float | None) -> Views | None:
    if yaw_step is None:
        if pitch is not None or fov is not None:
            raise LofiError("expected --yaw-step beside --pitch and --fov, found none. Plain clips have no views.")
        return None
    return Views(yaw_step, pitch or 0.0, Views.fov if fov is None else fov)
