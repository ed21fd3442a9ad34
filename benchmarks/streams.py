"""What training on streams adds to training on single pictures, for queries that are frames of streams.

    python -m benchmarks.streams OUT --teacher TEACHER                   walks through the generated town
    python -m benchmarks.streams OUT --teacher TEACHER --places tower    or one's own, with sequence and frame

Two students of one teacher under the recipe `one-student`, on the same settings of H.264 and H.265: of pictures sent by
themselves, and of streams. OUT keeps all: the same command goes on where the last one stopped.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from benchmarks.page import put
from lofivpr.cores import usable_cores
from lofivpr.evaluation import Results, evaluate
from lofivpr.evaluation.compare import outcome_difference
from lofivpr.files import atomic_path
from lofivpr.places import Places
from lofivpr.places.town import Town, generate_town
from lofivpr.places.town.light import EVENING
from lofivpr.places.town.plan import latitude_longitude, size_town, stations
from lofivpr.places.town.scene import Street
from lofivpr.quality import Quality
from lofivpr.training import Recipe, distill

PICTURES, SEED, TRAFFIC = 1000, 0, 3
SPEED_M_S, SIZE = 1.4, (480, 360)
WALKS = {"train": 24, "test": 16}
FRAMES = 40
TRAINED = ("raw", "60p..240p", "240p/h264:qp30..48{}", "240p/h265:qp30..48{}")
ASKED = [f"240p/{codec}:qp{qp}" for codec in ("h264", "h265") for qp in (36, 42, 48)]
COLUMNS = ("image", "lat", "lon", "split", "role", "sequence", "frame")


def main() -> None:
    """Make what is missing, evaluate, print the table; with --page into a page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--teacher", type=Path, required=True)
    parser.add_argument("--places", type=Path, help="default: walks through the generated town")
    parser.add_argument("--positives", default="25m")
    parser.add_argument("--fps", type=float, default=5.0, help="of the walks, and of the streams")
    parser.add_argument("--epochs", type=int)
    parser.add_argument("--page", type=Path)
    parser.add_argument("--table", default="streams", help="its name in the page")
    told = parser.parse_args()
    places = Places.open(told.places or walks(told.out / "walks", told.fps))
    rate = f"@{told.fps:g}fps"
    students = [told.out / name for name in ("stills", "streams")]
    for student, ending in zip(students, ("", rate), strict=True):
        if not student.exists():
            ladder = [text.format(ending) for text in TRAINED]
            settings = [f"qualities={ladder}", f"positives={told.positives}"]
            settings += [] if told.epochs is None else [f"epochs={told.epochs}"]
            recipe = Recipe.load("one-student").with_settings(settings)
            distill(told.teacher, places.split("train"), recipe, student)
    asked = ["raw", *(text + rate for text in ASKED), *ASKED]
    results = evaluate([told.teacher, *students], places.split("test"), asked, told.positives, out=told.out / "results")
    rows = [["quality", "bytes a frame", "teacher", "stills", "streams", "streams - stills"]]
    rows += [_row(results, str(Quality.parse(text))) for text in asked]
    first = results.rows[0]
    caption = (
        f"{first.queries:,} queries in {len(np.unique(results.scene.groups))} sequences, "
        f"{first.database.images:,} pictures in the database, {len(places.split('train')):,} for training."
    )
    print("\n".join([caption, *(" | ".join(row) for row in rows)]))
    if told.page:
        put(told.page, told.table, rows, caption)


def walks(folder: Path, fps: float) -> Path:
    """Short walks through the generated town, beside its database: frames are pictures of a sequence."""
    if folder.exists():
        return folder
    with atomic_path(folder) as temporary:
        generate_town(temporary, SEED, PICTURES, SIZE, progress=False)
        kept = [row for row in _table(temporary) if (row["split"], row["role"]) == ("test", "database")]
        rows = [{name: row.get(name, "") for name in COLUMNS} for row in kept]
        jobs = [(temporary, split, number, fps) for split, count in WALKS.items() for number in range(count)]
        with ProcessPoolExecutor(usable_cores()) as pool:
            for walked in pool.map(_walk, jobs):
                rows += walked
        with open(temporary / "places.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows(rows)
    return folder


def _table(folder: Path) -> list[dict[str, str]]:
    with open(folder / "places.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def _walk(job: tuple[Path, str, int, float]) -> list[dict[str, str]]:
    """Write the frames of one walk; its lines of the table."""
    folder, split, number, fps = job
    town = Town(SEED, size_town(SEED, PICTURES))
    stretches = list(_stretches(town, split, FRAMES / fps * SPEED_M_S))
    street = stretches[number * len(stretches) // WALKS[split]]
    rows = []
    for frame, camera in enumerate(town.walk(street, FRAMES, fps, SPEED_M_S)):
        picture = town.picture(replace(camera, width=SIZE[0], height=SIZE[1]), EVENING, TRAFFIC, frame / fps)
        image = f"images/walk-{split}-{number:02d}-{frame:03d}.jpg"
        # Hardly compressed: what the codec of a stream then does is its own.
        cv2.imwrite(str(folder / image), picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 98])
        lat, lon = latitude_longitude(*camera.position[:2])
        values = image, f"{lat:.8f}", f"{lon:.8f}", split, "query" if split == "test" else "database"
        rows.append(dict(zip(COLUMNS, (*values, f"{split}-{number}", str(frame)), strict=True)))
    return rows


def _stretches(town: Town, split: str, metres: float) -> Iterator[Street]:
    """Parts of the streets of a split that a walk of so many metres fits into, none over another."""
    for street, along in stations(town.layout, split):
        for start in np.arange(along[0], along[-1] - metres - 6, metres + 6):
            yield replace(street, start=float(start), end=float(start + metres + 6))


def _row(results: Results, quality: str) -> list[str]:
    size = results.row(results.models[0], quality).bytes_per_query
    recalls = [f"{results.row(model, quality).recall[1]:.1f}" for model in results.models]
    of = [results.outcomes[model, quality] for model in results.models]
    gain = outcome_difference(of[2], of[1], results.scene)
    return [f"`{quality}`", "-" if size is None else f"{size:,.0f}", *recalls, str(gain)]


if __name__ == "__main__":
    main()
