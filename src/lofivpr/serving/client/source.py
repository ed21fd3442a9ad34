"""What can be located: picture files, folders of them, clips, and cameras."""

from __future__ import annotations

import time
from collections.abc import Container, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from lofivpr.errors import LofiError
from lofivpr.media import read_clip, survey_clip
from lofivpr.places.formats.pictures import pictures_under

_CAMERA = "camera:"


@dataclass(frozen=True)
class Frame:
    """A frame of a clip or camera: its name, and microseconds since the first, or None for now."""

    name: str
    image: np.ndarray
    micros: int | None


def is_camera(source: str) -> bool:
    """Is it a camera of this machine, as in `camera:0`?"""
    return source.startswith(_CAMERA)


def pictures_of(source: str) -> list[tuple[str, str]]:
    """Name and reference of a picture, or of every picture in a folder.

    Raises:
        LofiError: a folder without pictures.
    """
    folder = Path(source)
    if not folder.is_dir():
        return [(source, source)]
    found = [(name, str(folder / name)) for name in pictures_under(folder)]
    if not found:
        raise LofiError(f"expected pictures in {source}, found none. Name a folder of pictures, a clip, or camera:0.")
    return found


def clip_frames(source: str, fps: float, done: Container[str] = ()) -> Iterator[Frame]:
    """The frames of a clip that so many a second keep, by the times at which they are shown, as `clip.mp4#frame=12`.

    `done`: names of those that are left out.

    Raises:
        BadImageError: no clip, or damaged.
    """
    survey = survey_clip(source)
    names = {number: f"{source}#frame={number}" for number in survey.kept(min(fps, survey.fps))}
    wanted = {number: name for number, name in names.items() if name not in done}
    if not wanted:
        return
    for number, image in enumerate(read_clip(source, count=max(wanted) + 1)):
        if number in wanted:
            yield Frame(wanted[number], image, round(1e6 * float(survey.seconds[number])))


def camera_frames(source: str) -> Iterator[Frame]:
    """The frames of a camera as they come, each named after its time (`camera:0@1789012345.678`), without an end.

    Raises:
        LofiError: no such camera, or it has stopped.
    """
    number = source.removeprefix(_CAMERA)
    camera = cv2.VideoCapture(int(number)) if number.isdecimal() else None
    try:
        count = 0
        while camera is not None:
            there, image = camera.read()
            if not there:
                break
            yield Frame(f"{source}@{time.time():.3f}", cv2.cvtColor(image, cv2.COLOR_BGR2RGB), None)
            count += 1
        found = "none that gives pictures" if count == 0 else "that it stopped"
        raise LofiError(f"expected a camera at {source}, found {found}. Check its number: camera:0, camera:1.")
    finally:
        if camera is not None:
            camera.release()
