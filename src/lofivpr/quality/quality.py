"""A quality: what a channel does to a picture or a clip, by real codecs, with exact bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np

from lofivpr.files import digest
from lofivpr.quality import stills, video
from lofivpr.quality.clip import EncodedClip, encode_clip
from lofivpr.quality.grammar import (
    CODECS,
    Parts,
    QualityError,
    check_parts,
    format_parts,
    parse_parts,
    setting_text,
)
from lofivpr.quality.resize import resize
from lofivpr.quality.yuv import COLOUR

RULES = 1  # raise it when the code changes what a quality does to pixels or bytes


@dataclass(frozen=True)
class Encoded:
    """A picture after the channel.

    `data` are the bytes that travel (None without a codec), `n_bytes` their number, `image` the decoded
    picture (uint8 H' x W' x 3 RGB); `data` alone decodes again by `Quality.decode(data, encoded.size)`.
    """

    data: bytes | None
    n_bytes: int | None
    image: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the decoded picture."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True)
class Quality:
    """A point such as `raw`, `240p`, `360x203`, `jpeg:10`, `405p/h265:qp30` or `h264:64kbps@10fps`.

    A resolution never enlarges; `240p` is a height with the aspect kept. Shrinking is OpenCV's INTER_AREA
    (the preset `paper`: swscale's bicubic). Lossy codecs use 4:2:0 chroma. A still of a video codec is one
    intra frame at the very QP that is named; a clip has a group of pictures of 60.

    Raises:
        QualityError: an unknown codec or setting, or a value out of range.
    """

    width: int | None = None
    height: int | None = None
    codec: str | None = None
    mode: str | None = None
    value: int | None = None
    fps: float | None = None
    preset: str = "default"

    RAW: ClassVar[Quality]

    def __post_init__(self) -> None:
        check_parts(self._parts)

    @classmethod
    def parse(cls, text: str) -> Quality:
        """Read a quality; `str` gives the canonical text back.

        Raises:
            QualityError: not in the grammar (see `lofivpr.quality.grammar`), or out of range.
        """
        return cls(**asdict(parse_parts(text)))

    def __str__(self) -> str:
        return format_parts(self._parts)

    @property
    def _parts(self) -> Parts:
        return Parts(self.width, self.height, self.codec, self.mode, self.value, self.fps, self.preset)

    @property
    def is_raw(self) -> bool:
        """Does the picture stay as it is?"""
        return self.height is None and self.codec is None

    @property
    def is_video(self) -> bool:
        """Is the codec a video codec (so that a clip is coded across frames)?"""
        return self.codec is not None and CODECS[self.codec].is_video

    @property
    def is_stream(self) -> bool:
        """Does it name a frame rate, so that frames of clips and sequences travel as a stream of that rate?"""
        return self.fps is not None

    @property
    def setting(self) -> str | None:
        """The codec's setting as written (`10`, `qp42`, `64kbps`), or None."""
        return None if self.mode is None or self.value is None else setting_text(self.mode, self.value)

    @property
    def digest(self) -> str:
        """16 hex digits over all that decides pixels and bytes: scaler, chroma, encoder options, preset."""
        return digest("quality", json.dumps(self.rules(), sort_keys=True))

    def rules(self) -> dict[str, Any]:
        """What the digest covers, spelled out."""
        rules: dict[str, Any] = {"rules": RULES, "quality": str(self)}
        if self.height is not None:
            rules["scaler"] = self._preset.scaler
        if self.codec is None:
            return rules
        if not self.is_video:
            return rules | {"settings": stills.SETTINGS[self.codec]}
        return rules | {
            "colour": COLOUR,
            "encoder": video.ENCODERS[self.codec],
            "clip": self.encoder_options(still=False),
            "still": None if self.mode == "kbps" else self.encoder_options(still=True),
        }

    @property
    def _preset(self) -> video.Preset:
        return video.PRESETS[self.preset]

    def encoder_options(self, still: bool) -> dict[str, str]:
        """The options that FFmpeg's encoder is given (video codecs only)."""
        assert self.codec is not None and self.mode is not None and self.value is not None
        return video.encoder_options(self.codec, self.mode, self.value, self._preset, still)

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """Width and height of the decoded picture for a source of `size` (width, height).

        Raises:
            QualityError: the resolution is above the source's.
        """
        if self.height is None:
            return size
        width = self.width or max(1, round(size[0] * self.height / size[1]))
        if self.height > size[1] or width > size[0]:
            raise QualityError(
                f"expected a resolution of at most the source's {size[0]} x {size[1]}, found {self} "
                f"({width} x {self.height}). Choose a smaller resolution; a quality never enlarges."
            )
        return width, self.height

    def encode(self, image: np.ndarray) -> Encoded:
        """Send one picture through the channel; any number of threads may call it at once.

        Args:
            image: uint8 H x W x 3 RGB.

        Returns:
            The decoded picture and, with a codec, its exact bytes.

        Raises:
            QualityError: no such picture, the resolution is above the source's, or a bit rate (clips only).
        """
        small = self.resize(image)
        if self.codec is None:
            return Encoded(None, None, small)
        data = self._encode_still(small)
        return Encoded(data, len(data), self.decode(data, (small.shape[1], small.shape[0])))

    def resize(self, image: np.ndarray) -> np.ndarray:
        """Only the resolution of this quality: uint8 h x w x 3; the picture itself where nothing changes."""
        check_image(image)
        return resize(image, self.output_size((image.shape[1], image.shape[0])), self._preset.scaler)

    def _encode_still(self, image: np.ndarray) -> bytes:
        assert self.codec is not None
        if not self.is_video:
            return stills.encode_file(image, self.codec, self.value)
        if self.mode == "kbps":
            raise QualityError(
                f"expected a clip for the bit rate {self}, found a single picture. Use a setting such as qp42 or "
                "crf35, or state a frame rate (@10fps) to send frames of clips and sequences as a stream."
            )
        size = (image.shape[1], image.shape[0])
        encoder = video.Encoder(self.codec, size, self.encoder_options(still=True))
        return b"".join(data for _, data, _ in encoder.encode(image) + encoder.finish())

    def decode(self, data: bytes, size: tuple[int, int]) -> np.ndarray:
        """Decode what `encode` made; `size` is `Encoded.size` (width, height).

        Returns:
            uint8 H' x W' x 3 RGB, the same pixels as `Encoded.image`.

        Raises:
            QualityError: this quality has no codec, or the bytes are damaged or of another size.
        """
        if self.codec is None:
            raise QualityError(f"expected a quality with a codec, found {self}: there is nothing to decode.")
        if self.is_video:
            images = list(video.decode_stream([data], self.codec, size))
        else:
            images = [stills.decode_file(data, self.codec)]
        if len(images) != 1 or images[0].shape[:2] != (size[1], size[0]):
            found = [f"{image.shape[1]} x {image.shape[0]}" for image in images]
            raise QualityError(f"expected one picture of {size[0]} x {size[1]}, found {found}. Encode again.")
        return images[0]

    def encode_clip(self, frames: Iterable[np.ndarray], fps: float) -> EncodedClip:
        """Send a clip through the channel: a true group of pictures, bytes per frame.

        Args:
            frames: uint8 H x W x 3 RGB, all of one size.
            fps: their frames per second; a quality with `@10fps` keeps the frames that such a clip needs.

        Raises:
            QualityError: no frames, frames of different sizes, or more frames per second than the source has.
        """
        return encode_clip(self, frames, fps)


Quality.RAW = Quality()


def check_image(image: np.ndarray) -> None:
    """Raise QualityError unless `image` is uint8 H x W x 3 with pixels in it."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or image.size == 0:
        raise QualityError(f"expected a picture of uint8 H x W x 3, found {image.dtype} {image.shape}. Use open_image.")
