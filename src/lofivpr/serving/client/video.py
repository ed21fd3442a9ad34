"""Frames of one stream to packets: a codec of video says what changed, one of stills codes each frame by itself."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lofivpr.quality import Quality, QualityError
from lofivpr.quality.video import PRESETS, Encoder

GOP = PRESETS["default"].gop
"""Frames after which a key frame is due, and with it a change of quality costs nothing."""


@dataclass(frozen=True)
class Packet:
    """A frame as it is sent; `size`: width and height that were encoded. `key`: it can be decoded by itself."""

    data: bytes
    size: tuple[int, int]
    key: bool


class FrameEncoder:
    """One quality, frames of one size; used by one thread."""

    def __init__(self, quality: Quality, source: tuple[int, int], fps: float) -> None:
        """`source`: width and height of the frames.

        Raises:
            QualityError: this PyAV lacks the encoder.
        """
        self.quality, self.source, self.count = quality, source, 0
        self.size = quality.output_size(source)
        rate = quality.fps or fps
        self._video = None
        if quality.is_video and quality.codec is not None:
            self._video = Encoder(quality.codec, self.size, _at_once(quality.encoder_options(still=False)), rate)

    def encode(self, image: np.ndarray) -> Packet:
        """The packet of one frame, uint8 H x W x 3.

        Raises:
            QualityError: the encoder keeps the frame back.
        """
        self.count += 1
        if self._video is None:
            encoded = self.quality.encode(image)
            assert encoded.data is not None
            return Packet(encoded.data, encoded.size, True)
        packets = self._video.encode(self.quality.resize(image))
        if not packets:
            raise QualityError(
                f"expected a packet for each frame from {self.quality}, found that its encoder keeps frames back. "
                "Use another codec."
            )
        return Packet(b"".join(data for _, data, _ in packets), self.size, any(key for _, _, key in packets))

    def close(self) -> None:
        """End the encoder's stream; SVT-AV1 complains on standard error otherwise."""
        if self._video is not None:
            self._video.finish()


def _at_once(options: dict[str, str]) -> dict[str, str]:
    """The same pictures and bytes, but x264 does not wait for the time of the next frame before it gives one."""
    if "x264-params" in options:
        options["x264-params"] += ":force-cfr=1"
    return options
