"""A clip after the channel as a file: the very stream in MP4, or its pictures without loss in Matroska."""

from __future__ import annotations

import struct
import tempfile
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import IO, cast

import av
import av.container
import numpy as np

from lofivpr.quality.grammar import QualityError
from lofivpr.quality.video import padded_size

# Streams that stand by themselves, and those that need frames around their packets (IVF).
RAW_FORMATS = {"h264": "h264", "h265": "hevc"}
IVF_NAMES = {"av1": b"AV01", "vp9": b"VP90"}


def write_stream(path: Path, codec: str, size: tuple[int, int], fps: float, packets: Iterable[bytes]) -> None:
    """Write the packets of a video codec, one a frame, into an MP4; nothing is encoded again.

    Args:
        size: (width, height) of the pictures; a player shows the padded size.
        fps: of the frames, whose times become even.

    Raises:
        QualityError: the file holds another number of frames than there were packets.
    """
    rate = _rational(fps)
    with tempfile.TemporaryFile(dir=path.parent) as raw:
        count = _write_raw(raw, codec, padded_size(size), rate, packets)
        raw.seek(0)
        written = _remux(raw, RAW_FORMATS.get(codec, "ivf"), path, rate)
    if written != count:
        raise QualityError(f"expected {count} frames of {codec} in {path.name}, found {written}. Use another codec.")


def write_lossless(path: Path, size: tuple[int, int], fps: float, images: Iterable[np.ndarray]) -> None:
    """Write pictures (uint8 H x W x 3 RGB) as FFV1 into a Matroska file, which gives them back exactly.

    Args:
        size: (width, height) of all of them.
    """
    with av.open(str(path), "w", format="matroska") as container:
        stream = cast(av.VideoStream, container.add_stream("ffv1", _rational(fps)))
        stream.width, stream.height = size
        stream.pix_fmt = "bgr0"
        stream.codec_context.thread_count = 1
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode(None))


def _rational(fps: float) -> Fraction:
    return Fraction(fps).limit_denominator(1001)  # 29.97 is 30000 / 1001


def _write_raw(file: IO[bytes], codec: str, size: tuple[int, int], rate: Fraction, packets: Iterable[bytes]) -> int:
    """Write the packets as a file that a demuxer takes apart again; returns how many they are."""
    count, name = 0, IVF_NAMES.get(codec)
    if name is not None:
        head = (b"DKIF", 0, 32, name, *size, rate.numerator, rate.denominator, 0, 0)
        file.write(struct.pack("<4sHH4sHHIIII", *head))
    for data in packets:
        file.write(data if name is None else struct.pack("<IQ", len(data), count) + data)
        count += 1
    return count


def _remux(raw: IO[bytes], raw_format: str, path: Path, rate: Fraction) -> int:
    with av.open(raw, "r", format=raw_format) as source, av.open(str(path), "w", format="mp4") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream, opaque=True)
        count = 0
        for packet in source.demux(stream):
            if packet.size:
                packet.pts = packet.dts = count
                packet.duration, packet.time_base, packet.stream = 1, 1 / rate, copy
                target.mux(packet)
                count += 1
    return count
