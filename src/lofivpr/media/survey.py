"""What a clip holds, told without decoding it: when its frames are shown, and whether it is whole."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lofivpr.media.clip import clip_index, count_frames, frame_rate, opened
from lofivpr.media.ticks import ROUNDED_S, first_at_ticks

MISSING_S = 0.5  # containers round durations; a lost end is longer
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")


@dataclass(frozen=True, eq=False)
class Survey:
    """The frames of a clip.

    Attributes:
        seconds: float64 N, when each frame is shown, from the first one; even where the file holds no times.
        fps: frames per second, on average.
        end: seconds at which the last frame ends.
        announced: seconds that the file says it has, None where it does not say.
        damaged: whether a packet is not whole.
    """

    seconds: np.ndarray
    fps: float
    end: float
    announced: float | None
    damaged: bool

    @property
    def cut(self) -> str | None:
        """How much of the clip is lost, in words; None for a whole one."""
        announced = self.end if self.announced is None else self.announced
        if not self.damaged and announced - self.end <= MISSING_S:
            return None
        return f"{len(self.seconds)} whole frames up to {self.end:.2f} s of {max(announced, self.end):.2f} s"

    def kept(self, rate: float) -> list[int]:
        """Numbers of the frames that `rate` frames per second keep: the first at or after each tick."""
        chosen = first_at_ticks(self.seconds.tolist(), rate, ROUNDED_S)
        return [number for number, keep in enumerate(chosen) if keep]


def survey_clip(path: str | Path) -> Survey:
    """Survey a clip; its packets are read once a process.

    Raises:
        BadImageError: no clip, no video in it, or damaged.
    """
    index, fps = clip_index(path), frame_rate(path)
    if index is None:
        count = count_frames(path)
        return Survey(np.arange(count) / fps, fps, count / fps, None, False)
    end = max((index.end - index.times[0]) * index.time_base, float(index.seconds[-1]))
    return Survey(index.seconds, fps, end, _announced(str(path)), index.damaged)


def _announced(path: str) -> float | None:
    """Seconds of video that the file's head says it has: of the stream (MP4), of its tag (Matroska), or of all."""
    with opened(path) as (container, stream):
        if stream.duration is not None and stream.time_base is not None:
            return float(stream.duration * stream.time_base)
        clock = _CLOCK.match(stream.metadata.get("DURATION", ""))
        if clock is not None:
            hours, minutes, seconds = clock.groups()
            return 3600 * int(hours) + 60 * int(minutes) + float(seconds)
        alone = len(container.streams) == 1 and container.duration is not None
        return container.duration / 1e6 if alone and container.duration else None
