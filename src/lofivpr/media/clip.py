"""Frames of video clips: in sequence, or one by its number."""

from __future__ import annotations

import functools
import os
import time
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import av
import av.container
import numpy as np
from av.stream import Disposition

from lofivpr.media.ref import BadImageError
from lofivpr.urls import open_url

MAX_PIXELS = 89_478_485  # Pillow's own limit: a quarter of a GiB of RGB
MAX_SECONDS = 60.0  # of opening a clip or of looking for one frame


def read_clip(
    path: str | Path, start: int = 0, count: int | None = None, max_pixels: int = MAX_PIXELS
) -> Iterator[np.ndarray]:
    """Frames `start`, `start + 1`, ... of a clip in order of display, decoded one after another.

    Args:
        path: a local file or an fsspec URL.
        start: number of the first frame, from 0.
        count: how many; None means up to the end.
        max_pixels: a clip with larger frames is refused before it is decoded.

    Yields:
        uint8 H x W x 3, RGB, turned upright when the clip says so.

    Raises:
        BadImageError: no clip, no video in it, or damaged.
    """
    end = None if count is None else start + count
    if end is not None and end <= start:
        return
    with opened(str(path), max_pixels) as (container, stream):
        for number, frame in enumerate(_decoded(container, stream)):
            if number >= start:
                yield _to_rgb(frame)
            if end is not None and number + 1 >= end:
                return


def read_frames(path: str | Path, numbers: Iterable[int], max_pixels: int = MAX_PIXELS) -> Iterator[np.ndarray]:
    """The frames of these numbers, which rise, decoded in one go; those between them cost no conversion to RGB.

    Yields:
        uint8 H x W x 3, RGB, turned upright when the clip says so.

    Raises:
        BadImageError: no clip, fewer frames, or damaged.
    """
    wanted = iter(numbers)
    number = next(wanted, None)
    if number is None:
        return
    seen = 0
    with opened(str(path), max_pixels) as (container, stream):
        for seen, frame in enumerate(_decoded(container, stream), start=1):
            if seen <= number:
                continue
            yield _to_rgb(frame)
            number = next(wanted, None)
            if number is None:
                return
    raise _no_such_frame(str(path), number, seen)


def read_frame(path: str | Path, number: int, max_pixels: int = MAX_PIXELS) -> np.ndarray:
    """Frame `number` (from 0, in order of display), found by a seek; the same pixels as in sequence.

    The packets' times are read once a file (without decoding), so the number is exact whatever the
    frame rate, and decoding starts at the last key frame before it.

    Returns:
        uint8 H x W x 3, RGB.

    Raises:
        BadImageError: no clip, fewer frames, frames larger than `max_pixels`, or damaged.
    """
    path = str(path)
    index = clip_index(path)
    if index is None:
        return _read_in_sequence(path, number, max_pixels)
    times, keys = index.times, index.keys
    if number >= len(times):
        raise _no_such_frame(path, number, len(times))
    target = times[number]
    with opened(path, max_pixels) as (container, stream):
        position = bisect_right(keys, target) - 1
        if position > 0:
            container.seek(keys[position], stream=stream, backward=True)
        deadline = time.monotonic() + MAX_SECONDS
        for frame in _decoded(container, stream):
            if frame.pts == target:
                return _to_rgb(frame)
            if frame.pts is None or frame.pts > target:
                break  # the demuxer landed behind the key frame; decoding in sequence is always right
            if time.monotonic() > deadline:
                raise BadImageError(
                    f"expected frame {number} of {path} within {MAX_SECONDS:.0f} s, found none. "
                    "Encode the clip with shorter groups of pictures, or on a faster disk."
                )
    return _read_in_sequence(path, number, max_pixels)


def count_frames(path: str | Path) -> int:
    """Number of frames of a clip, without decoding where the file tells.

    Raises:
        BadImageError: no clip, or damaged.
    """
    index = clip_index(path)
    return sum(1 for _ in read_clip(path)) if index is None else len(index.times)


def frame_rate(path: str | Path) -> float:
    """Average frames per second as the clip states it.

    Raises:
        BadImageError: no clip, or one that does not say.
    """
    with opened(str(path)) as (_, stream):
        rate = stream.average_rate or stream.guessed_rate
    if not rate:
        raise BadImageError(f"expected a frame rate in {path}, found none. Remux the clip into MP4.")
    return float(rate)


@dataclass(frozen=True)
class ClipIndex:
    """When the frames of a clip are shown, in units of `time_base` seconds.

    `times` of all frames and `keys` of the key frames, sorted. `end`: when the last one ends. `damaged`: a packet
    is not whole, and left out.
    """

    times: list[int]
    keys: list[int]
    time_base: float
    end: int
    damaged: bool

    @property
    def seconds(self) -> np.ndarray:
        """float64 N: when each frame is shown, from the first one."""
        return (np.array(self.times, dtype=np.float64) - self.times[0]) * self.time_base


def clip_index(path: str | Path) -> ClipIndex | None:
    """The index of a clip, read once without decoding; None where packets carry no times.

    Raises:
        BadImageError: no clip, or damaged.
    """
    return _index(str(path), *stamp(str(path)))


@functools.lru_cache(maxsize=64)
def _index(path: str, size: int, mtime_ns: int) -> ClipIndex | None:
    times: list[int] = []
    keys: list[int] = []
    end, damaged = 0, False
    with opened(path) as (container, stream):
        for packet in container.demux(stream):
            damaged |= packet.is_corrupt
            if packet.size == 0 or packet.is_discard or packet.is_corrupt:
                continue
            if packet.pts is None:
                return None
            times.append(packet.pts)
            keys += [packet.pts] if packet.is_keyframe else []
            end = max(end, packet.pts + (packet.duration or 0))
        base = float(stream.time_base or 1)
    unique = len(set(times)) == len(times)
    return ClipIndex(sorted(times), sorted(keys), base, end, damaged) if times and unique else None


def stamp(path: str) -> tuple[int, int]:
    """Size and time of a local file, so that a changed clip is indexed again."""
    try:
        status = os.stat(path)
        return status.st_size, status.st_mtime_ns
    except OSError:
        return 0, 0


def _decoded(container: av.container.InputContainer, stream: av.VideoStream) -> Iterator[av.VideoFrame]:
    """All frames in order of display; a packet that is not whole, the last one of a file cut short, is left out."""
    for packet in container.demux(stream):
        if not packet.is_corrupt:
            yield from packet.decode()


def _read_in_sequence(path: str, number: int, max_pixels: int) -> np.ndarray:
    seen = 0
    with opened(path, max_pixels) as (container, stream):
        for frame in _decoded(container, stream):
            if seen == number:
                return _to_rgb(frame)
            seen += 1
    raise _no_such_frame(path, number, seen)


@contextmanager
def opened(path: str, max_pixels: int | None = None) -> Iterator[tuple[av.container.InputContainer, av.VideoStream]]:
    """An open container and its first video stream; faults of the decoder become BadImageError."""
    remote = None
    try:
        if "://" in path:
            remote = open_url(path)
        with av.open(remote or path, "r", timeout=MAX_SECONDS) as container:
            stream = next((one for one in container.streams.video if not _is_cover(one)), None)
            if stream is None:
                raise BadImageError(f"expected a video in {path}, found none. Give a clip, or drop #frame=.")
            if max_pixels is not None and stream.width * stream.height > max_pixels:
                raise BadImageError(
                    f"expected frames of at most {max_pixels} pixels, found "
                    f"{stream.width} x {stream.height}: {path}. Shrink the clip, or raise max_pixels."
                )
            yield container, stream
    except (av.error.FFmpegError, OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise BadImageError(
            f"expected a readable video clip at {path}, found: {reason}. Check the path, or copy it again."
        ) from error
    finally:
        if remote is not None:
            remote.close()


def _is_cover(stream: av.VideoStream) -> bool:
    """Whether this is a picture that a player shows beside the sound."""
    return bool(stream.disposition & Disposition.attached_pic)


def _to_rgb(frame: av.VideoFrame) -> np.ndarray:
    image = frame.to_ndarray(format="rgb24")
    quarter_turns = round(getattr(frame, "rotation", 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(image, quarter_turns)) if quarter_turns else image


def _no_such_frame(path: str, number: int, found: int) -> BadImageError:
    return BadImageError(
        f"expected frame {number} in {path}, found {found} frames. Frames count from 0; name a smaller one."
    )
