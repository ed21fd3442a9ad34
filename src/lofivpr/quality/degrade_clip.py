"""One clip of a folder through the channel."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from lofivpr.media import read_frames, survey_clip
from lofivpr.quality.clip import SentFrame, kept_of_clip, send_frames
from lofivpr.quality.clip_file import write_lossless, write_stream
from lofivpr.quality.degraded_row import DegradedRow, degraded_row
from lofivpr.quality.quality import Quality

CLIPS = (".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi")


def is_clip(name: str) -> bool:
    """Is a file a clip, by its name?"""
    return name.lower().endswith(CLIPS)


def clip_suffix(name: str, quality: Quality) -> str:
    """What the name of the degraded clip ends in."""
    return Path(name).suffix if quality.is_raw else ".mp4" if quality.is_video else ".mkv"


def degrade_clip(source: Path, out: Path, name: str, new_name: str, quality: Quality) -> list[DegradedRow]:
    """Write the clip `out / new_name` that `source / name` becomes, and return a row for each frame that is sent.

    A video codec gives the very stream as MP4 (with even sides, odd ones are padded), anything else the decoded
    frames without loss as FFV1 in Matroska, `raw` the file itself. Sound stays behind. The clip is read, sent and
    written frame by frame.

    Raises:
        BadImageError: no clip, or a damaged one; what was written of it is removed.
        QualityError: the quality does not fit the clip.
    """
    rows: list[DegradedRow] = []
    path, survey = out / new_name, survey_clip(source / name)
    kept, fps = kept_of_clip(quality, survey), quality.fps or survey.fps
    path.parent.mkdir(parents=True, exist_ok=True)

    def frames() -> Iterator[SentFrame]:
        for sent in send_frames(quality, read_frames(source / name, kept), fps):
            images = f"{new_name}#frame={sent.number}", f"{name}#frame={kept[sent.number]}"
            size = None if sent.data is None else len(sent.data)
            rows.append(degraded_row(*images, sent.original, sent.image, size))
            yield sent

    try:
        _write(path, quality, fps, frames())
        if quality.is_raw:
            shutil.copyfile(source / name, path)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return rows


def _write(path: Path, quality: Quality, fps: float, frames: Iterator[SentFrame]) -> None:
    first = next(frames)
    size = (first.image.shape[1], first.image.shape[0])
    sent = chain([first], frames)
    if quality.is_raw:
        deque(sent, maxlen=0)
    elif quality.is_video:
        assert quality.codec is not None
        write_stream(path, quality.codec, size, fps, (frame.data or b"" for frame in sent))
    else:
        write_lossless(path, size, fps, (frame.image for frame in sent))
