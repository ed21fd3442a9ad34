"""A clip through the channel: frames in, decoded frames and bytes per frame out."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.quality import video
from lofivpr.quality.grammar import QualityError

if TYPE_CHECKING:
    from lofivpr.quality.quality import Quality


@dataclass(frozen=True)
class EncodedClip:
    """A clip after the channel, one entry a frame that was sent.

    `frames`: decoded, uint8 H' x W' x 3 RGB. `n_bytes`: bytes of each frame, parameter sets included, or None
    without a codec. `packets`: those bytes. `source`: number of the frame in the source. `keys`: is it a key
    frame. `fps`: frames per second that were sent.
    """

    frames: list[np.ndarray]
    n_bytes: list[int] | None
    packets: list[bytes] | None
    source: list[int]
    keys: list[bool]
    fps: float

    @property
    def kbps(self) -> float | None:
        """Mean bit rate in kilobits per second, or None without a codec."""
        return None if self.n_bytes is None else sum(self.n_bytes) * 8 / 1000 * self.fps / len(self.n_bytes)


def encode_clip(quality: Quality, frames: Iterable[np.ndarray], fps: float) -> EncodedClip:
    """See `Quality.encode_clip`."""
    rate = quality.fps or fps
    if not fps > 0 or rate > fps:
        raise QualityError(
            f"expected a clip of at least {rate:g} frames per second for {quality}, found {fps:g}. "
            "Choose a lower rate; a quality never adds frames."
        )
    source, small = [], []
    for number, frame in kept_frames(frames, fps, rate):
        source.append(number)
        small.append(quality.resize(frame))
        if small[-1].shape != small[0].shape:
            raise QualityError(f"expected frames of one size, found {small[0].shape} and {small[-1].shape}.")
    if not small:
        raise QualityError(f"expected frames for {quality}, found none. Give at least one.")
    if quality.is_video:
        return _encode_stream(quality, small, source, rate)
    encoded = [quality_of_codec(quality).encode(image) for image in small]
    images, keys = [e.image for e in encoded], [True] * len(encoded)
    if quality.codec is None:
        return EncodedClip(images, None, None, source, keys, rate)
    packets = [e.data for e in encoded if e.data is not None]
    return EncodedClip(images, [len(data) for data in packets], packets, source, keys, rate)


def kept_frames(frames: Iterable[np.ndarray], fps: float, rate: float) -> Iterator[tuple[int, np.ndarray]]:
    """Number and picture of the frames that a clip of `rate` keeps: the first at or after each tick."""
    last = -1
    for number, frame in enumerate(frames):
        tick = math.floor(number * rate / fps + 1e-9)  # 30 -> 10 fps is every third frame in spite of rounding
        if tick > last:
            yield number, frame
        last = tick


def quality_of_codec(quality: Quality) -> Quality:
    """The quality without its resolution, for pictures that are already of that size."""
    return type(quality)(codec=quality.codec, mode=quality.mode, value=quality.value)


def _encode_stream(quality: Quality, images: list[np.ndarray], source: list[int], rate: float) -> EncodedClip:
    assert quality.codec is not None
    size = (images[0].shape[1], images[0].shape[0])
    encoder = video.Encoder(quality.codec, size, quality.encoder_options(still=False), rate)
    packets = [packet for image in images for packet in encoder.encode(image)] + encoder.finish()
    data = [packet for _, packet, _ in packets]
    decoded = list(video.decode_stream(data, quality.codec, size))
    if [number for number, _, _ in packets] != list(range(len(images))) or len(decoded) != len(images):
        raise QualityError(
            f"expected one packet and one picture for each of {len(images)} frames from {quality}, "
            f"found {len(packets)} and {len(decoded)}. Use another codec."
        )
    return EncodedClip(decoded, [len(d) for d in data], data, source, [key for _, _, key in packets], rate)
