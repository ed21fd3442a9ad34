"""When the pictures of a data set were taken, in the clock of their trajectory."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lofivpr.alignment.trajectory import AlignmentError, Floats, Trajectory
from lofivpr.media import ImageRef, survey_clip
from lofivpr.places import Places


def times_of(places: Places, trajectory: Trajectory, offset_s: float = 0.0, fps: float | None = None) -> Floats:
    """Seconds of each picture in the trajectory's clock, float64 N; NaN where nothing tells.

    The first that is known counts: the picture's name among those of the trajectory (which no offset moves); the
    column `timestamp`; the time at which `clip.mp4#frame=7` shows that frame, from the clip's first one; the column
    `frame` divided by `fps`.

    Args:
        offset_s: the trajectory's time = the picture's time + offset.
        fps: frames a second that the column `frame` counts.

    Raises:
        AlignmentError: no picture has a time.
        BadImageError: a clip that cannot be read.
    """
    named = dict(zip(trajectory.names, trajectory.times.tolist(), strict=False))
    stamps, frames = places.column("timestamp"), places.column("frame")
    found = np.full(len(places), np.nan)
    for row, image in enumerate(places.images):
        ref = ImageRef.parse(image)
        if ref.path in named:
            found[row] = named[ref.path]
        elif np.isfinite(stamps[row]):
            found[row] = stamps[row] + offset_s
        elif ref.frame is not None:
            found[row] = _shown(places.root, ref) + offset_s
        elif fps is not None:
            found[row] = frames[row] / fps + offset_s
    if np.isnan(found).all():
        raise AlignmentError(
            f"expected times of the {len(places)} pictures, found none. Fill the column `timestamp` (seconds), name "
            "frames of a clip (walk.mp4#frame=7), fill `frame` and give --fps, or use a COLMAP model of these pictures."
        )
    return found


def _shown(root: Path, ref: ImageRef) -> float:
    seconds = survey_clip(ref.path if "://" in ref.path else root / ref.path).seconds
    if ref.frame is None or ref.frame >= len(seconds):
        raise AlignmentError(f"expected frame {ref.frame} in {ref.path}, found {len(seconds)} frames.")
    return float(seconds[ref.frame])
