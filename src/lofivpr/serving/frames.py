"""Frames of one stream, whatever they are coded in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from lofivpr.quality import Quality, estimate_quality
from lofivpr.serving.packets import VIDEO_CODECS, PacketDecoder, PacketError, Picture
from lofivpr.serving.seen import Seen, open_still, seen_of
from lofivpr.serving.settings import Limits
from lofivpr.serving.wire import Hello

_MEAN_OF = 60  # frames: what this package's encoders put into a group of pictures


@dataclass(frozen=True)
class Frame:
    """A frame that can be described: the client's number and time, and what gives its pixels when they are needed."""

    frame_id: int
    micros: int
    picture: Callable[[], tuple[np.ndarray, Seen]]
    decode_s: float


@dataclass(frozen=True)
class Read:
    """What one message brought: frames, ids whose picture will not come, and the seconds that it took."""

    frames: list[Frame]
    without_picture: list[int]
    seconds: float


class FrameReader:
    """Messages of one stream to frames; used by one thread at a time."""

    def __init__(self, hello: Hello, limits: Limits) -> None:
        """Raises PacketError: a codec that this PyAV lacks."""
        self._codec, self._limits = hello.codec, limits
        video = hello.codec in VIDEO_CODECS
        self._decoder = PacketDecoder(hello.codec, limits.decode, hello.size) if video else None
        self._micros: dict[int, int] = {}
        self._sizes: deque[int] = deque(maxlen=_MEAN_OF)
        self._quality: Quality | None = None

    def read(self, packet: bytes, frame_id: int, micros: int) -> Read:
        """The frames that are ready after this packet. Video is decoded now, for later frames stand on it; a still
        only when it is served.

        Raises:
            PacketError: see `PacketDecoder.decode`.
        """
        if self._decoder is None:
            return Read([self._still(packet, frame_id, micros)], [], 0.0)
        self._micros[frame_id] = micros
        try:
            pictures = self._decoder.decode(packet, frame_id)
        except PacketError:
            self._micros.clear()
            raise
        self._sizes.append(len(packet))
        lost = self._decoder.given_up()
        for one in lost:
            self._micros.pop(one, None)
        frames = [self._frame(picture) for picture in pictures]
        return Read(frames, lost, sum(picture.decode_s for picture in pictures))

    def _frame(self, picture: Picture) -> Frame:
        mean = sum(self._sizes) / len(self._sizes)
        if picture.key or self._quality is None:
            # The frames between cost few bytes because they say what changed, not because they are coarse.
            self._quality = estimate_quality(self._codec, picture.size, picture.n_bytes)
        seen = seen_of(self._codec, picture.size, picture.n_bytes, mean, self._quality)
        micros = self._micros.pop(picture.frame_id, 0)
        return Frame(picture.frame_id, micros, lambda: (picture.image(), seen), picture.decode_s)

    def _still(self, packet: bytes, frame_id: int, micros: int) -> Frame:
        limits = self._limits.decode
        if len(packet) > limits.packet_bytes:
            raise PacketError(f"expected a frame of at most {limits.packet_bytes} bytes, found {len(packet)}.")
        return Frame(frame_id, micros, lambda: open_still(packet, limits.pixels), 0.0)
