"""A data set from the generated town, written by a pool of processes: images first, `places.csv` last."""

from __future__ import annotations

import csv
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress

from lofivpr.cores import usable_cores
from lofivpr.errors import LofiError
from lofivpr.files import atomic_path, write_atomic
from lofivpr.places.town.light import EVENING, MORNING
from lofivpr.places.town.plan import Shot, latitude_longitude, plan, quotas, size_town
from lofivpr.places.town.scene import make_layout
from lofivpr.places.town.town import Town

COLUMNS = ("image", "panorama", "lat", "lon", "heading_deg", "split", "role")
JPEG_QUALITY = 90
# Light and traffic of the two traversals.
TRAVERSALS = {"database": (MORNING, 1), "query": (EVENING, 2)}


def generate_town(
    out: str | Path,
    seed: int = 0,
    pictures: int = 1000,
    size: tuple[int, int] = (480, 360),
    workers: int | None = None,
    progress: bool = True,
) -> Path:
    """Write a generated data set: `images/*.jpg` and `places.csv`, whose path is returned.

    Panoramas of four headings; database spots every 9 m along the streets in morning light, query spots
    between them in evening light, with other passers-by and cars, metres and degrees off; train and test in
    areas more than 60 m apart. The same arguments give the same bytes, with any number of workers.

    Args:
        out: the folder; pictures of an earlier run in it are replaced.
        seed: names the town, its traffic and the spots.
        pictures: at least 32.
        size: width and height in pixels.
        workers: processes; default one a core.
        progress: draw a bar on the terminal.

    Raises:
        LofiError: too few pictures, an impossible size, a folder that cannot be written.
    """
    out = Path(out)
    if min(size) < 16:
        raise LofiError(f"expected pictures of at least 16 x 16, found {size[0]} x {size[1]}.")
    quotas(pictures)
    if workers is not None and workers < 1:
        raise LofiError(f"expected at least 1 worker, found {workers}.")
    workers = min(workers or usable_cores(), -(-pictures // 16))
    table = out / "places.csv"
    _refuse_others_files(out)
    # A run that breaks off must not leave a table beside other pictures.
    table.unlink(missing_ok=True)
    with atomic_path(out / "images") as folder:
        folder.mkdir()
        if workers == 1:
            write_share(folder, seed, pictures, size, 0, 1)
        else:
            _run(folder, seed, pictures, size, workers, progress)
    write_atomic(table, _table(shots_of(seed, pictures, size)))
    return table


def _refuse_others_files(out: Path) -> None:
    """Only a new or empty folder, or an earlier town, may be written: its pictures are replaced."""
    if not out.is_dir():
        return
    pictures = {path.name for path in (out / "images").glob("*")}
    strange = {path.name for path in out.iterdir() if not path.name.startswith(".")} - {"images", "places.csv"}
    strange |= {name for name in pictures if not re.fullmatch(r"\d{4}_\d{3}\.jpg", name)}
    table = out / "places.csv"
    if table.is_file() and not table.read_text(errors="replace").startswith(",".join(COLUMNS)):
        strange.add("places.csv")
    if strange:
        raise LofiError(
            f"expected a new folder or an earlier town at {out}, found {', '.join(sorted(strange)[:5])}: "
            "choose another --out."
        )


def shots_of(seed: int, pictures: int, size: tuple[int, int]) -> list[Shot]:
    """The plan of a data set."""
    return plan(make_layout(seed, *size_town(seed, pictures)), seed, pictures, size)


def labels_of(images: Iterable[str], seed: int, pictures: int, size: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """What each pixel of pictures of a generated data set shows, H x W of `Label`, in their order.

    Args:
        images: names as in its `places.csv`. seed, pictures, size: as of `generate_town`.

    Raises:
        LofiError: a name that this data set does not have.
    """
    town = Town(seed, size_town(seed, pictures))
    shots = {shot.name: shot for shot in plan(town.layout, seed, pictures, size)}
    for image in images:
        if image not in shots:
            raise LofiError(
                f"expected a picture of the town of {pictures} pictures and seed {seed}, found {image}: "
                "name the seed, number and size that the town was generated with."
            )
        yield town.labels(shots[image].camera, TRAVERSALS[shots[image].role][1])


def _table(shots: list[Shot]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for shot in shots:
        latitude, longitude = latitude_longitude(*shot.camera.position[:2])
        heading = round(shot.camera.heading_deg, 2) % 360
        place = (f"{latitude:.9f}", f"{longitude:.9f}", f"{heading:g}")
        writer.writerow((shot.name, shot.panorama, *place, shot.split, shot.role))
    return text.getvalue()


def write_share(folder: Path, seed: int, pictures: int, size: tuple[int, int], share: int, shares: int) -> None:
    """Render the panoramas whose number is `share` modulo `shares` into a folder of images."""
    town = Town(seed, size_town(seed, pictures))
    for shot in plan(town.layout, seed, pictures, size):
        if shot.panorama % shares != share:
            continue
        light, traffic = TRAVERSALS[shot.role]
        image = town.picture(shot.camera, light, traffic)
        _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        (folder / Path(shot.name).name).write_bytes(data.tobytes())


def _run(folder: Path, seed: int, pictures: int, size: tuple[int, int], workers: int, progress: bool) -> None:
    """One interpreter a share: needs no guard in the caller's script, and shares no locks with its threads."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    numbers = [str(n) for n in (seed, pictures, *size)]
    with tempfile.TemporaryFile() as errors:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", "lofivpr.places.town.worker", str(folder), *numbers, str(i), str(workers)],
                env=environment, stdout=subprocess.DEVNULL, stderr=errors,
            )
            for i in range(workers)
        ]  # fmt: skip
        try:
            _watch(processes, folder, pictures, progress)
        finally:
            for process in processes:
                process.kill()
                process.wait()
        if any(process.returncode for process in processes):
            errors.seek(0)
            lines = errors.read().decode(errors="replace").strip().splitlines() or ["no message"]
            raise LofiError(
                f"expected {pictures} pictures of the town, found {len(list(folder.iterdir()))}: {lines[-1]}. "
                "Check the free space and memory, or try workers=1."
            )


def _watch(processes: list[subprocess.Popen[bytes]], folder: Path, pictures: int, progress: bool) -> None:
    """Wait for all to end well, or for one to fail; the bar counts files."""
    with Progress(console=Console(stderr=True), disable=not progress) as bar:
        task = bar.add_task("rendering the town", total=pictures)
        while any(process.poll() is None for process in processes):
            if any(process.returncode for process in processes):
                return
            bar.update(task, completed=len(os.listdir(folder)))
            time.sleep(0.1)
        bar.update(task, completed=len(os.listdir(folder)))
