"""`lofivpr town`, `lofivpr degrade` and `lofivpr describe`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lofivpr.cli.ray import RayAddress, cluster_at
from lofivpr.cli.runtime import RuntimeOption
from lofivpr.descriptors import DescriptorStore
from lofivpr.media import ImageRef
from lofivpr.models import load_describer
from lofivpr.places import Places
from lofivpr.places.town import generate_town
from lofivpr.quality import Quality, degrade_folder


def town(
    out: Annotated[Path, typer.Option(help="The folder to write images/ and places.csv into.")],
    pictures: Annotated[int, typer.Option(min=32, help="How many pictures.")] = 1000,
    seed: Annotated[int, typer.Option(min=0, help="Names the town.")] = 0,
) -> None:
    """Generate a town: pictures with exact positions that anyone can make again."""
    typer.echo(f"wrote {generate_town(out, seed=seed, pictures=pictures)}")


def degrade(
    src: Annotated[Path, typer.Argument(help="A folder of pictures and clips; it is never touched.")],
    dst: Annotated[Path, typer.Argument(help="A new folder for the degraded copy and quality.csv.")],
    quality: Annotated[str, typer.Option(help="What the channel does, such as 240p/jpeg:10.")],
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out bad pictures, and list them.")] = False,
) -> None:
    """Send a folder through a quality: degraded pictures and clips; bytes, PSNR and SSIM of each picture and frame."""
    copy = degrade_folder(src, dst, Quality.parse(quality), skip_bad=skip_bad, progress=True)
    for name, reason in copy.skipped:
        typer.echo(f"skipped {name}: {reason}")
    pictures = [row for row in copy.rows if ImageRef.parse(row.source).frame is None]
    clips = f", {len(copy.clips)} clips of {len(copy.rows) - len(pictures)} frames" if copy.clips else ""
    typer.echo(f"wrote {len(pictures)} pictures{clips} and {dst / 'quality.csv'}")


def describe(
    model: Annotated[Path, typer.Option(help="A model folder.")],
    places: Annotated[Path, typer.Option(help="A places.csv, or a folder of pictures.")],
    out: Annotated[Path, typer.Option(help="The folder of the descriptor store.")],
    quality: Annotated[str, typer.Option(help="What the pictures go through first.")] = "raw",
    split: Annotated[str | None, typer.Option(help="The split; all pictures if not given.")] = None,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave out bad pictures, and list them.")] = False,
    runtime: RuntimeOption = "auto",
    ray: RayAddress = None,
) -> None:
    """Describe pictures into a store on disk; an interrupted run goes on where it stopped."""
    data = Places.open(places)
    data = data if split is None else data.split(split)
    store = DescriptorStore.build(
        out,
        load_describer(model, runtime),
        data.images,
        data.root,
        quality=Quality.parse(quality),
        skip_bad=skip_bad,
        sequences=data.sequences,
        cluster=cluster_at(ray, model),
    )
    for picture in store.skipped:
        typer.echo(f"skipped {picture.image}: {picture.reason}")
    typer.echo(f"wrote {len(store)} descriptors of {store.dimension} numbers into {out}")
