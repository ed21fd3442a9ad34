"""What following a camera adds to single frames: walks through the demo's town, at each quality.

    make demo                        # the generated town, its teacher, student and map, in out/demo
    python -m benchmarks.track       # or the folder of another demo

A camera walks every street on the side of the town that the map shows, in the evening light and among the people of a
day that no picture of the data set has seen. From one street to the next it leaps: nothing tells the track so.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from lofivpr.evaluation import paired_difference
from lofivpr.maps import Fix, Map
from lofivpr.maps.evidence import SeenQuality
from lofivpr.maps.locate import described
from lofivpr.maps.sequence import Track
from lofivpr.models import Describer, load_describer
from lofivpr.places.geodesy import geodesic
from lofivpr.places.town import Town
from lofivpr.places.town.light import EVENING
from lofivpr.places.town.plan import latitude_longitude, size_town, stations
from lofivpr.quality import Quality
from lofivpr.quality.clip import send_frames

FPS = 1.0
SPEED_M_S = 1.4
TRAFFIC = 3
SIZE = (480, 360)
WITHIN_M = 25.0
QUALITIES = ("raw", "60p", "240p/jpeg:10", "240p/jpeg:5", "240p/h264:qp44", "240p/h265:qp48", "120p/h264:qp40")


class TrackRow(NamedTuple):
    """One quality. Percent of the frames: `alone` and `followed` lie within 25 m of the truth by single frames and by
    the track; `gain` in points with its 95 % interval over streets. `said`: the track's mean probability. `answered`
    and `wrong`: of the frames, and of the answers, where it is at least a half. `found_again`: frames until the first
    right position after a leap to another street, the median."""

    quality: str
    frames: int
    alone: float
    followed: float
    gain: str
    said: float
    answered: float
    wrong: float
    found_again: float


class Walks(NamedTuple):
    """Frames (uint8 H x W x 3), their true degrees (N x 2), and the street of each (N)."""

    frames: list[np.ndarray]
    truth: np.ndarray
    street: np.ndarray


def walks(seed: int, pictures: int) -> Walks:
    """A walk along each street of the test side of a generated town, a frame a second."""
    town = Town(seed, size_town(seed, pictures))
    frames, truth, streets = [], [], []
    for number, (street, along) in enumerate(stations(town.layout, "test")):
        stretch = replace(street, start=float(along[0]), end=float(along[-1]))
        count = int(stretch.length / SPEED_M_S * FPS)
        for i, camera in enumerate(town.walk(stretch, count, FPS, SPEED_M_S)):
            frames.append(town.picture(replace(camera, width=SIZE[0], height=SIZE[1]), EVENING, TRAFFIC, i / FPS))
            truth.append(latitude_longitude(*camera.position[:2]))
            streets.append(number)
    return Walks(frames, np.array(truth), np.array(streets))


def track_rows(demo: Path, model: str = "student", pictures: int = 720, seed: int = 0) -> Iterator[TrackRow]:
    """One row for each quality; `pictures` and `seed` are those of the demo's town."""
    describer, town = load_describer(demo / model), Map.open(demo / "town.map")
    walked = walks(seed, pictures)
    for text in QUALITIES:
        yield _row(Quality.parse(text), walked, list(_alone(Quality.parse(text), walked, town, describer)), town)


def _alone(quality: Quality, walked: Walks, town: Map, describer: Describer) -> Iterator[Fix]:
    """The fix of every frame, each street a stream of its own."""
    for number in np.unique(walked.street):
        frames = [walked.frames[row] for row in np.flatnonzero(walked.street == number)]
        for sent in send_frames(quality, frames, FPS):
            size = sent.image.shape[1], sent.image.shape[0]
            seen = SeenQuality.of(quality.codec, size, None if sent.data is None else len(sent.data))
            yield town.fixes(described(describer, [sent.image], quality), [seen], model_digest=describer.digest)[0]


def _row(quality: Quality, walked: Walks, alone: list[Fix], town: Map) -> TrackRow:
    track = Track(town.places.points())
    followed = [track.update(fix, 1 / FPS) for fix in alone]
    before, after = _right(alone, walked.truth), _right(followed, walked.truth)
    gain = paired_difference(after, before, walked.street)
    answered = np.array([fix.answered for fix in followed])
    wrong = 100 * float((~after[answered]).mean()) if answered.any() else float("nan")
    again = [_first(after[walked.street == number]) for number in np.unique(walked.street)[1:]]
    return TrackRow(
        str(quality),
        len(alone),
        *(100 * float(before.mean()), 100 * float(after.mean())),
        str(gain),
        100 * float(np.mean([fix.probability for fix in followed])),
        *(100 * float(answered.mean()), wrong, float(np.median(again))),
    )


def _right(fixes: list[Fix], truth: np.ndarray) -> np.ndarray:
    found = np.array(
        [(np.nan if fix.lat is None else fix.lat, np.nan if fix.lon is None else fix.lon) for fix in fixes]
    )
    distance = geodesic(found[:, 0], found[:, 1], truth[:, 0], truth[:, 1])
    return np.asarray(np.nan_to_num(distance, nan=np.inf) <= WITHIN_M)


def _first(right: np.ndarray) -> int:
    return int(np.argmax(right)) + 1 if right.any() else len(right) + 1


def main() -> None:
    """Walk, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("demo", nargs="?", type=Path, default=Path("out/demo"))
    parser.add_argument("--model", default="student")
    chosen = parser.parse_args()
    table = Table("quality", "frames", "alone %", "followed %", "gain", "said %", "answered %", "wrong %", "again")
    for row in track_rows(chosen.demo, chosen.model):
        table.add_row(
            row.quality, str(row.frames), *(f"{v:.1f}" for v in row[2:4]), row.gain, *(f"{v:.1f}" for v in row[5:])
        )
    Console().print(table)


if __name__ == "__main__":
    main()
