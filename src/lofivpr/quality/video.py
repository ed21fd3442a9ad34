"""Video codecs by PyAV: a still is one intra frame, a clip is a true group of pictures.

Bytes are those of the elementary stream with its parameter sets, without container and without the
encoder's version message.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from typing import cast

import av
import cv2
import numpy as np

from lofivpr.quality.grammar import QualityError
from lofivpr.quality.yuv import from_yuv420, to_yuv420

ENCODERS = {"h264": "libx264", "h265": "libx265", "av1": "libsvtav1", "vp9": "libvpx-vp9"}
DECODERS = {"h264": "h264", "h265": "hevc", "av1": "libdav1d", "vp9": "vp9"}
SMALLEST = 16  # pixels a side; x265 refuses smaller pictures


@dataclass(frozen=True)
class Preset:
    """How a video codec is run; every field is part of a quality's digest.

    `default` is what a robot streams: no look-ahead, no reordering, key frames at fixed distances.
    `paper` is the paper's: libx265 GOP 60, no B-frames, veryfast, bicubic scaling, else the defaults.
    """

    name: str
    scaler: str
    gop: int = 60
    speed: str = "veryfast"
    low_delay: bool = True


PRESETS = {"default": Preset("default", "area"), "paper": Preset("paper", "bicubic", low_delay=False)}


def encoder_options(codec: str, mode: str, value: int, preset: Preset, still: bool) -> dict[str, str]:
    """The options given to FFmpeg's encoder, complete: they are part of the digest.

    A still sets ipratio 1, because x264 and x265 code an intra frame finer than the QP asked for (ratio 1.4).
    """
    if codec in ("h264", "h265"):
        params = _x26x_params(codec, mode, value, preset, still)
        name = "x264-params" if codec == "h264" else "x265-params"
        return {"preset": preset.speed, name: ":".join(f"{key}={val}" for key, val in params.items())}
    if codec == "av1":
        return _av1_options(mode, value, preset, still)
    gop = _gop(preset, still)
    rate = _vpx_rate(value) if mode == "kbps" else {"crf": str(value), "b": "0"}
    speed = {"deadline": "good", "cpu-used": "5"} if still else {"deadline": "realtime", "cpu-used": "7"}
    return {**rate, **speed, "lag-in-frames": "0", "auto-alt-ref": "0", "row-mt": "0", "g": gop}


def _x26x_params(codec: str, mode: str, value: int, preset: Preset, still: bool) -> dict[str, object]:
    params: dict[str, object] = {"keyint": _gop(preset, still), "bframes": 0}
    if mode == "kbps":
        params |= {"bitrate": value, "vbv-maxrate": value, "vbv-bufsize": value}  # a buffer of one second
    else:
        params[mode] = value
    if still:
        params["ipratio"] = 1
    if still or preset.low_delay:
        params |= {"rc-lookahead": 0, "scenecut": 0}
        params |= {"sync-lookahead": 0} if codec == "h264" else {"cutree": 0, "wpp": 0}
    if codec == "h265":  # one thread, so that worker threads can each run an encoder
        params |= {"info": 0, "log-level": "none", "frame-threads": 1}
        # Without a pool x265 drops wavefronts, its default, which the paper's streams have.
        params["pools"] = "none" if still or preset.low_delay else 1
    return params


def _av1_options(mode: str, value: int, preset: Preset, still: bool) -> dict[str, str]:
    params: dict[str, object] = {"lp": 1, "keyint": _gop(preset, still)}
    params |= {"avif": 1} if still else {"pred-struct": 1, "lookahead": 0, "scd": 0}
    params |= {"rc": 2, "tbr": f"{value}kbps"} if mode == "kbps" else {"crf": value}
    return {"preset": "8", "svtav1-params": ":".join(f"{key}={val}" for key, val in params.items())}


def _vpx_rate(kbps: int) -> dict[str, str]:
    return {key: f"{kbps}k" for key in ("b", "maxrate", "minrate", "bufsize")}


def _gop(preset: Preset, still: bool) -> str:
    return "1" if still else str(preset.gop)


class Encoder:
    """One run of an encoder over frames of one size; an object is used by one thread at a time."""

    def __init__(self, codec: str, size: tuple[int, int], options: dict[str, str], fps: float = 25.0) -> None:
        """Open the encoder for pictures of `size` (width, height); odd sizes are padded to even ones.

        Raises:
            QualityError: this PyAV lacks the encoder, or it refuses the options or the size.
        """
        os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 prints a page on stderr at each start otherwise
        self.codec, self.size, self._count = codec, size, 0
        try:
            context = cast(av.VideoCodecContext, av.CodecContext.create(ENCODERS[codec], "w"))
            context.width, context.height = padded_size(size)
            context.pix_fmt = "yuv420p"
            context.framerate = Fraction(fps).limit_denominator(1000)
            context.time_base = 1 / context.framerate
            context.thread_count = 1
            context.options = options
            context.open()
        except (av.error.FFmpegError, ValueError) as error:
            raise QualityError(
                f"expected to encode {size[0]} x {size[1]} pixels by {ENCODERS[codec]}, found: {error}. "
                "Use another codec or resolution, or install a PyAV that has this encoder."
            ) from error
        self._context = context

    def encode(self, image: np.ndarray) -> list[tuple[int, bytes, bool]]:
        """Packets that are ready after this frame: number of their frame, bytes, is it a key frame."""
        frame = av.VideoFrame.from_ndarray(to_yuv420(pad(image)), format="yuv420p")
        frame.pts, frame.time_base = self._count, self._context.time_base
        self._count += 1
        return self._packets(frame)

    def finish(self) -> list[tuple[int, bytes, bool]]:
        """The remaining packets."""
        return self._packets(None)

    def _packets(self, frame: av.VideoFrame | None) -> list[tuple[int, bytes, bool]]:
        return [
            (int(packet.pts or 0), without_messages(bytes(packet), self.codec), bool(packet.is_keyframe))
            for packet in self._context.encode(frame)
        ]


def decode_stream(packets: Iterable[bytes], codec: str, size: tuple[int, int]) -> Iterator[np.ndarray]:
    """Decode packets in order, each asked for when it is needed; yields uint8 H x W x 3 RGB cropped to `size`.

    Args:
        size: (width, height) of what was encoded.

    Raises:
        QualityError: the packets cannot be decoded, or their pictures are not of this size.
    """
    context = cast(av.VideoCodecContext, av.CodecContext.create(DECODERS[codec], "r"))
    context.thread_count = 1
    try:
        for data in chain(packets, [None]):
            for frame in context.decode(None if data is None else av.Packet(data)):
                yield _crop(frame, size)
    except (av.error.FFmpegError, ValueError) as error:
        raise QualityError(f"expected a whole {codec} stream, found: {error}. Encode it again.") from error


def _crop(frame: av.VideoFrame, size: tuple[int, int]) -> np.ndarray:
    if (frame.width, frame.height) != padded_size(size):
        raise QualityError(
            f"expected a picture coded as {padded_size(size)} (width, height) for size {size}, "
            f"found {(frame.width, frame.height)}. Give the size that was encoded."
        )
    return np.ascontiguousarray(from_yuv420(frame.to_ndarray(format="yuv420p"))[: size[1], : size[0]])


def padded_size(size: tuple[int, int]) -> tuple[int, int]:
    """Width and height as coded: even, because 4:2:0 needs pairs, and at least 16."""
    width, height = size
    return max(SMALLEST, width + width % 2), max(SMALLEST, height + height % 2)


def pad(image: np.ndarray) -> np.ndarray:
    """The picture with its right and lower edge repeated up to its padded size."""
    height, width = image.shape[:2]
    right, below = (p - s for p, s in zip(padded_size((width, height)), (width, height), strict=True))
    if not right and not below:
        return image
    return cv2.copyMakeBorder(image, 0, below, 0, right, cv2.BORDER_REPLICATE)


def without_messages(data: bytes, codec: str) -> bytes:
    """An H.264 or H.265 access unit without its SEI messages of user data (the encoder's version)."""
    if codec not in ("h264", "h265"):
        return data
    units = split_units(data)
    return b"".join(unit for unit in units if not _is_user_data(unit.lstrip(b"\0")[1:], codec))


def split_units(data: bytes) -> list[bytes]:
    """NAL units of an Annex B stream, each with its start code; joined they are the stream. Other bytes have none."""
    starts, at = [], data.find(b"\0\0\1")
    while at >= 0:
        starts.append(at - 1 if at > 0 and data[at - 1] == 0 else at)
        at = data.find(b"\0\0\1", at + 3)
    return [data[a:b] for a, b in zip(starts, [*starts, len(data)][1:], strict=True)]


def _is_user_data(unit: bytes, codec: str) -> bool:
    """Is this NAL unit (without start code) an SEI whose first payload is user data (types 4 and 5)?"""
    if codec == "h264":
        return unit[0] & 31 == 6 and unit[1] in (4, 5)
    return unit[0] >> 1 & 63 in (39, 40) and unit[2] in (4, 5)
