"""A data set from recordings: frames of clips, or perspective views of 360-degree clips, as references.

No picture is written: `clips/walk.mp4#frame=30&yaw=40&fov=90` is decoded when it is asked for.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lofivpr import files
from lofivpr.media import BadImageError, ImageRef, open_image, survey_clip
from lofivpr.media.clip import stamp
from lofivpr.media.ref import DEFAULT_FOV
from lofivpr.places.clip_links import keep_mask, link_clip, names_in
from lofivpr.places.columns import as_column
from lofivpr.places.formats.csv import NAME
from lofivpr.places.geodesy import PlacesError
from lofivpr.places.places import Places

STATE = ".video"
COLUMNS = ("image", "sequence", "frame", "panorama", "timestamp")


@dataclass(frozen=True)
class Views:
    """Perspective views of a 360-degree clip: one every `yaw_step` degrees from its middle, all at `pitch` and `fov`.

    Raises:
        PlacesError: a step that is not within 1 to 360 degrees.
        BadImageError: a pitch or field of view out of range.
    """

    yaw_step: float = 45.0
    pitch: float = 0.0
    fov: float = DEFAULT_FOV

    def __post_init__(self) -> None:
        if not 1 <= self.yaw_step <= 360:
            raise PlacesError(f"expected a step of the yaw within 1 to 360 degrees, found {self.yaw_step:g}.")
        ImageRef("clip", pitch=self.pitch, fov=self.fov)  # which checks them

    def of(self, frame: ImageRef) -> list[ImageRef]:
        """The views of a frame."""
        yaws = np.arange(0.0, 360.0, self.yaw_step).tolist()
        return [replace(frame, yaw=yaw, pitch=self.pitch, fov=self.fov) for yaw in yaws]


@dataclass(frozen=True)
class Gathered:
    """What `gather_video` wrote: the table, its number of pictures, and what is missing (clip and why)."""

    path: Path
    pictures: int
    missing: list[tuple[str, str]]


def gather_video(
    clips: Sequence[str | Path],
    out: str | Path,
    every_s: float = 1.0,
    views: Views | None = None,
    mask: str | Path | None = None,
    skip_bad: bool = False,
    progress: bool = False,
) -> Gathered:
    """Write `out/places.csv`: a frame of each clip every `every_s` seconds, by the times at which frames are shown.

    A clip outside `out` is linked into `out/clips`, a URL stays one. A view is a sequence of its own, the views of
    one frame are one panorama, `timestamp` counts seconds from the first frame. An interrupted run goes on where it
    stopped; the table appears last, and whole.

    Args:
        clips: files or URLs.
        views: of 360-degree clips (equirectangular, twice as wide as high); None takes frames as they are.
        mask: a picture of a frame's shape whose black pixels are hidden, such as the person who carries the camera.
        skip_bad: leave out clips that cannot be read, and take what is whole of those that are cut short.

    Raises:
        PlacesError: no clips, two of one name, or a data set that is there already.
        BadImageError: a clip that is unreadable, cut short, or no panorama; a mask that does not fit.
    """
    out = Path(out)
    names = names_in(clips, out)
    if (out / NAME).exists():
        raise PlacesError(f"expected a folder without {NAME}, found {out / NAME}. Move it away, or choose another.")
    if not every_s > 0:
        raise PlacesError(f"expected a time above 0 s between pictures, found {every_s:g}.")
    shape = _Shape(every_s, views, None if mask is None else str(Path(mask).resolve()))
    found, missing = {}, []
    for clip, name in _bar(list(names.items()), progress):
        try:
            found[name], cut = _surveyed(out / STATE, clip, shape, skip_bad)
        except BadImageError as error:
            if not skip_bad:
                raise
            cut = str(error)
        missing += [(clip, cut)] if cut else []
    if not found:
        raise PlacesError(
            f"expected at least one readable clip, found none of {len(names)}; the first: {missing[0][1]}"
        )
    for clip, name in names.items():
        if name in found:
            link_clip(clip, name, out)
    table = _table(found, replace(shape, mask=None if shape.mask is None else keep_mask(shape.mask, out)))
    Places.from_table(out, table).write(out / NAME)
    shutil.rmtree(out / STATE, ignore_errors=True)
    return Gathered(out / NAME, len(table), missing)


@dataclass(frozen=True)
class _Shape:
    """What is taken of every clip."""

    every_s: float
    views: Views | None
    mask: str | None

    def pictures(self, path: str, frame: int) -> list[ImageRef]:
        whole = ImageRef(path, frame, mask=self.mask)
        return [whole] if self.views is None else self.views.of(whole)


def _surveyed(state: Path, clip: str, shape: _Shape, skip_bad: bool) -> tuple[list[tuple[int, float]], str | None]:
    """Number and second of every frame that is taken, and what is lost of the clip; kept in `state` for a rerun."""
    key = files.digest(clip, *map(str, stamp(clip)), repr(shape))
    known = state / f"{key}.json"
    if known.is_file():
        kept = json.loads(known.read_text())
        frames, cut = [(number, second) for number, second in kept["frames"]], kept["cut"]
    else:
        survey = survey_clip(clip)
        frames = [(number, float(survey.seconds[number])) for number in survey.kept(1 / shape.every_s)]
        cut = survey.cut
        for number, _ in (frames[0], frames[-1]):  # what cannot be decoded, or has no views, is told now
            open_image(shape.pictures(clip, number)[0])
        files.write_json(known, {"frames": frames, "cut": cut})
    if cut and not skip_bad:
        raise BadImageError(
            f"expected the whole of {clip}, found {cut}. Copy it again, or take what there is with --skip-bad."
        )
    return frames, cut


def _table(found: dict[str, list[tuple[int, float]]], shape: _Shape) -> pa.Table:
    rows: list[dict[str, Any]] = []
    for name, frames in found.items():
        for number, second in frames:
            for ref in shape.pictures(name, number):
                line = {"image": str(ref), "sequence": name, "frame": number, "timestamp": second, "panorama": None}
                if shape.views is not None:  # a turn of the camera is no step along the way
                    line |= {"sequence": str(ImageRef(name, yaw=ref.yaw, pitch=ref.pitch, fov=ref.fov))}
                    line |= {"panorama": f"{name}#frame={number}"}
                rows.append(line)
    return pa.table({column: as_column(column, [row[column] for row in rows]) for column in COLUMNS})


def _bar(clips: list[tuple[str, str]], show: bool) -> Iterator[tuple[str, str]]:
    if not show:
        return iter(clips)
    from rich.progress import track  # only people look at it

    return iter(track(clips, description="clips"))
