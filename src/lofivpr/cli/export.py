"""`lofivpr export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from lofivpr.models import read_card
from lofivpr.places import Places
from lofivpr.quality import Quality


def export(
    model: Annotated[Path, typer.Argument(help="A model folder.")],
    out: Annotated[Path, typer.Option(help="The folder to write config.json, model.onnx and the card into.")],
    to: Annotated[Literal["onnx", "int8"], typer.Option(help="float32, or int8 by ONNX Runtime.")] = "onnx",
    places: Annotated[
        Path | None, typer.Option(help="Real pictures to compare on; int8 takes its ranges from them, too.")
    ] = None,
    split: Annotated[str | None, typer.Option(help="The split; all pictures if not given.")] = None,
    quality: Annotated[
        list[str] | None, typer.Option(help="What they go through, in turn: those that the model will meet. Repeat.")
    ] = None,
    pictures: Annotated[int, typer.Option(min=1, help="How many pictures are drawn.")] = 112,
    seed: Annotated[int, typer.Option(min=0, help="Of the draw.")] = 0,
) -> None:
    """A model for the edge: one ONNX file, compared with torch before it is written, which needs no torch to run."""
    from lofivpr.models import PlaceModel, export_edge  # torch
    from lofivpr.models.edge import CHECKED

    data = None if places is None else Places.open(places)
    if data is not None and split is not None:
        data = data.split(split)
    count = pictures if to == "int8" else min(pictures, CHECKED)  # float32 is compared alone
    seen, qualities = _drawn(data, [Quality.parse(text) for text in quality or ["raw"]], count, seed)
    config = export_edge(PlaceModel.load(model), out, to, seen, qualities)
    typer.echo(f"wrote {out}: {to} of {model}, digest {config.digest}")
    for name, fact in read_card(out)["export"].items():
        typer.echo(f"  {name}: {fact}")


def _drawn(
    places: Places | None, qualities: list[Quality], count: int, seed: int
) -> tuple[list[np.ndarray], list[Quality]]:
    """Pictures drawn by `seed`, each through one of the qualities in turn."""
    if places is None:
        return [], []
    rows = np.random.default_rng(seed).permutation(len(places))[:count]
    through = [qualities[number % len(qualities)] for number in range(len(rows))]
    return [q.encode(places.open_image(int(row))).image for row, q in zip(rows, through, strict=True)], through
