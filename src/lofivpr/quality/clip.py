"""A clip through the channel: frames in, decoded frames and bytes per frame out."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, count
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.media import Survey
from lofivpr.media.ticks import first_at_ticks
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


@dataclass(frozen=True)
class SentFrame:
    """One frame after the channel.

    `number` counts frames in the source, `original` is that frame (uint8 H x W x 3 RGB), `image` what arrives
    (uint8 H' x W' x 3 RGB). `data` are its bytes, None without a codec. `key`: is it a key frame.
    """

    number: int
    original: np.ndarray
    image: np.ndarray
    data: bytes | None
    key: bool


def encode_clip(quality: Quality, frames: Iterable[np.ndarray], fps: float) -> EncodedClip:
    """See `Quality.encode_clip`."""
    sent = list(send_frames(quality, frames, fps))
    packets = [frame.data for frame in sent if frame.data is not None]
    return EncodedClip(
        frames=[frame.image for frame in sent],
        n_bytes=[len(data) for data in packets] if packets else None,
        packets=packets or None,
        source=[frame.number for frame in sent],
        keys=[frame.key for frame in sent],
        fps=quality.fps or fps,
    )


def send_frames(quality: Quality, frames: Iterable[np.ndarray], fps: float) -> Iterator[SentFrame]:
    """The frames of `encode_clip` one by one: only as many are held as the encoder looks ahead.

    Raises:
        QualityError: as `Quality.encode_clip`, when the first frame is asked for.
    """
    rate = checked_rate(quality, fps)
    kept = _of_one_size(kept_frames(frames, fps, rate))
    first = next(kept, None)
    if first is None:
        raise QualityError(f"expected frames for {quality}, found none. Give at least one.")
    small = ((number, image, quality.resize(image)) for number, image in chain([first], kept))
    yield from _Stream(quality, rate).send(small) if quality.is_video else _stills(quality, small)


def checked_rate(quality: Quality, fps: float) -> float:
    """The frames per second that a clip of `fps` sends.

    Raises:
        QualityError: more than the clip has.
    """
    rate = quality.fps or fps
    if not fps > 0 or rate > fps:
        raise QualityError(
            f"expected a clip of at least {rate:g} frames per second for {quality}, found {fps:g}. "
            "Choose a lower rate; a quality never adds frames."
        )
    return rate


def kept_of_clip(quality: Quality, survey: Survey) -> list[int]:
    """Numbers of the frames of a clip that are sent, by the times at which they are shown.

    Raises:
        QualityError: a frame rate above the clip's own.
    """
    rate = checked_rate(quality, survey.fps)
    return list(range(len(survey.seconds))) if quality.fps is None else survey.kept(rate)


def _of_one_size(frames: Iterable[tuple[int, np.ndarray]]) -> Iterator[tuple[int, np.ndarray]]:
    shape = None
    for number, image in frames:
        shape = shape or image.shape
        if image.shape != shape:
            raise QualityError(
                f"expected frames of one size, found {shape} and, at frame {number}, {image.shape}. Cut the clip there."
            )
        yield number, image


def kept_frames(frames: Iterable[np.ndarray], fps: float, rate: float) -> Iterator[tuple[int, np.ndarray]]:
    """Number and picture of the frames that a clip of `rate` keeps: the first at or after each tick."""
    kept = first_at_ticks((number / fps for number in count()), rate)
    return ((number, frame) for number, (frame, keep) in enumerate(zip(frames, kept, strict=False)) if keep)


def quality_of_codec(quality: Quality) -> Quality:
    """The quality without its resolution, for pictures that are already of that size."""
    return type(quality)(codec=quality.codec, mode=quality.mode, value=quality.value)


def _stills(quality: Quality, frames: Iterable[tuple[int, np.ndarray, np.ndarray]]) -> Iterator[SentFrame]:
    """Every frame by itself."""
    still = quality_of_codec(quality)
    for number, original, small in frames:
        encoded = still.encode(small)
        yield SentFrame(number, original, encoded.image, encoded.data, True)


class _Stream:
    """Frames through one encoder and one decoder, each frame with the packet that is its own."""

    def __init__(self, quality: Quality, rate: float) -> None:
        self.quality, self.rate = quality, rate
        self.sent: deque[tuple[int, np.ndarray]] = deque()  # frames that have not come back
        self.made: deque[tuple[bytes, bool]] = deque()  # their packets
        self.count = 0

    def send(self, frames: Iterator[tuple[int, np.ndarray, np.ndarray]]) -> Iterator[SentFrame]:
        """Everything that comes back; the decoder asks for packets, and these for frames."""
        assert self.quality.codec is not None
        first = next(frames)
        size = (first[2].shape[1], first[2].shape[0])
        packets = self._packets(chain([first], frames), size)
        for image in video.decode_stream(packets, self.quality.codec, size):
            if not self.sent or not self.made:
                raise self._unequal("more pictures")
            yield SentFrame(*self.sent.popleft(), image, *self.made.popleft())
        if self.sent or self.made:
            raise self._unequal(f"{len(self.sent)} frames and {len(self.made)} packets without a picture")

    def _packets(self, frames: Iterator[tuple[int, np.ndarray, np.ndarray]], size: tuple[int, int]) -> Iterator[bytes]:
        assert self.quality.codec is not None
        encoder = video.Encoder(self.quality.codec, size, self.quality.encoder_options(still=False), self.rate)
        for number, original, small in frames:
            self.sent.append((number, original))
            yield from self._made(encoder.encode(small))
        yield from self._made(encoder.finish())

    def _made(self, packets: Iterable[tuple[int, bytes, bool]]) -> Iterator[bytes]:
        for number, data, key in packets:
            if number != self.count:
                raise self._unequal(f"packet {number} after {self.count} others")
            self.count += 1
            self.made.append((data, key))
            yield data

    def _unequal(self, found: str) -> QualityError:
        return QualityError(
            f"expected one packet and one picture for each frame from {self.quality}, found {found}. Use another codec."
        )
