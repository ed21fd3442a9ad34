"""Encoded video packets, as a browser or a robot sends them, to pictures: one decoder a connection."""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass
from typing import cast

import av
import numpy as np
from av.codec.context import Flags

from lofivpr.errors import LofiError
from lofivpr.quality.video import DECODERS, padded_size
from lofivpr.quality.yuv import from_yuv420
from lofivpr.serving.keyframes import has_start_code, is_ahead, is_key_frame

VIDEO_CODECS = tuple(DECODERS)
# FFmpeg's numbers: unspecified, BT.470BG, SMPTE 170M (the two BT.601s); unspecified and limited range.
_BT601, _LIMITED = (2, 5, 6), (0, 1)
_MOST_AHEAD = 65536  # bytes of parameter sets that may be sent ahead of their picture
_LATE = 16  # packets after which a picture that did not come is given up


class PacketError(LofiError):
    """A packet that gives no picture. The stream goes on, at the latest with its next key frame."""


@dataclass(frozen=True)
class DecodeLimits:
    """What one packet may cost.

    Attributes:
        pixels: of a picture; memory is never taken for more than some twice as many.
        packet_bytes: of a packet.
        seconds: of decoding a packet; a slower stream must begin anew with a key frame.
    """

    pixels: int = 4096 * 2304
    packet_bytes: int = 2 * 1024 * 1024
    seconds: float = 2.0

    def __post_init__(self) -> None:
        if min(self.pixels, self.packet_bytes, self.seconds) <= 0:
            raise LofiError(f"expected limits above 0, found {self}.")


@dataclass(frozen=True)
class Picture:
    """A decoded picture of a stream; RGB is made when it is asked for, for a picture that is skipped never.

    Attributes:
        frame_id: the client's number of the packet that it came from.
        n_bytes: of that packet.
        key: was it a key frame.
        size: width and height as sent, in pixels.
        decode_s: seconds that its packet took to decode.
    """

    frame: av.VideoFrame
    frame_id: int
    n_bytes: int
    key: bool
    size: tuple[int, int]
    decode_s: float

    def image(self) -> np.ndarray:
        """uint8 H x W x 3 RGB; of BT.601 4:2:0 the very pixels that `Quality.decode` gives."""
        frame, (width, height) = self.frame, self.size
        plain = frame.format.name == "yuv420p" and frame.width % 2 == 0 and frame.height % 2 == 0
        if plain and int(frame.colorspace) in _BT601 and int(frame.color_range) in _LIMITED:
            image = from_yuv420(frame.to_ndarray(format="yuv420p"))
        else:
            image = frame.to_ndarray(format="rgb24")
        return np.ascontiguousarray(image[:height, :width])


class PacketDecoder:
    """Packets of one stream to pictures; used by one thread at a time.

    One thread, so that each packet gives its picture at once: FFmpeg's frame threads hold pictures back. After a
    damaged packet everything up to the next key frame is refused: its pictures would be smeared.
    """

    def __init__(self, codec: str, limits: DecodeLimits | None = None, size: tuple[int, int] | None = None) -> None:
        """Begin a stream.

        Args:
            codec: h264 or h265 (Annex B access units), av1 (temporal units), vp9 (frames).
            limits: what one packet may cost.
            size: width and height that the client encoded, where encoding padded an odd size to an even one.

        Raises:
            PacketError: an unknown codec, or one that this PyAV lacks.
        """
        if codec not in DECODERS:
            raise PacketError(f"expected a codec of {', '.join(DECODERS)}, found {codec!r}.")
        self.codec, self.limits, self.size = codec, limits or DecodeLimits(), size
        self._sent: OrderedDict[int, tuple[int, int, bool]] = OrderedDict()  # pts -> frame id, bytes, key
        self._count = 0
        self._ahead = b""  # parameter sets that were sent ahead of their picture
        self._without: list[int] = []  # frame ids of packets that held no picture
        self._restart()

    @property
    def needs_key(self) -> bool:
        """Will only a key frame be taken next?"""
        return self._needs_key

    def decode(self, data: bytes, frame_id: int) -> list[Picture]:
        """Pictures that are ready after this packet: one, unless the stream reorders or hides pictures.

        Raises:
            PacketError: empty, too large, damaged, not this codec, or not the key frame that is needed.
        """
        key = self._checked(data)
        if is_ahead(data, self.codec):
            self._keep_for_the_next(data, frame_id)
            return []
        self._sent[self._count] = (frame_id, len(data), key)
        packet = av.Packet(self._ahead + data)
        self._ahead = b""
        packet.pts = self._count
        self._count += 1
        started = time.perf_counter()
        try:
            frames = self._context.decode(packet)
            seconds = time.perf_counter() - started
            self._check_frames(frames, seconds)
        except PacketError:
            self._restart()
            raise
        except (av.error.FFmpegError, ValueError, MemoryError, OverflowError) as error:
            self._restart()
            raise PacketError(
                f"expected a whole {self.codec} packet of at most {self.limits.pixels} pixels, found one that cannot "
                "be decoded. Frames are refused until the next key frame: send one."
            ) from error
        self._needs_key = False
        return [picture for frame in frames if (picture := self._picture(frame, seconds)) is not None]

    def given_up(self) -> list[int]:
        """Frame ids whose pictures will not come any more; each is told once."""
        late = [pts for pts in self._sent if pts < self._count - _LATE]
        without, self._without = self._without, []
        return without + [self._sent.pop(pts)[0] for pts in late]

    def _checked(self, data: bytes) -> bool:
        """Whether this packet is a key frame; refuses what need not be decoded."""
        if not data:
            raise PacketError("expected a video packet, found none: zero bytes. Send one packet a message.")
        if len(data) > self.limits.packet_bytes:
            self._restart()
            raise PacketError(
                f"expected a packet of at most {self.limits.packet_bytes} bytes, found {len(data)}. "
                "Lower the bit rate or resolution; frames are refused until the next key frame."
            )
        if self.codec in ("h264", "h265") and not has_start_code(data):
            self._restart()
            raise PacketError(
                f"expected an Annex B access unit of {self.codec}, which begins with 00 00 01, found "
                f"{data[:4].hex(' ')}. In a browser configure the encoder with format 'annexb'."
            )
        key = is_key_frame(data, self.codec)
        if self._needs_key and not key and not is_ahead(data, self.codec):
            raise PacketError(
                f"expected a key frame of {self.codec} to begin with, found another packet. "
                "Frames are refused until the next key frame: send one."
            )
        return key

    def _keep_for_the_next(self, data: bytes, frame_id: int) -> None:
        """Parameter sets: the decoder wants them together with their picture."""
        if len(self._ahead) + len(data) > _MOST_AHEAD:
            self._restart()
            raise PacketError(
                f"expected a picture after at most {_MOST_AHEAD} bytes of parameter sets, found none. "
                "Frames are refused until the next key frame: send one."
            )
        self._ahead += data
        self._without.append(frame_id)

    def _check_frames(self, frames: list[av.VideoFrame], seconds: float) -> None:
        if any(frame.is_corrupt for frame in frames):
            raise PacketError(
                f"expected a whole {self.codec} packet, found one that is damaged. "
                "Frames are refused until the next key frame: send one."
            )
        if seconds > self.limits.seconds:
            raise PacketError(
                f"expected a packet that is decoded within {self.limits.seconds:g} s, found one of {seconds:.1f} s. "
                "Lower the resolution; frames are refused until the next key frame."
            )
        for frame in frames:
            coded = (frame.width, frame.height)
            if coded[0] * coded[1] > self.limits.pixels:
                raise PacketError(
                    f"expected pictures of at most {self.limits.pixels} pixels, found {coded[0]} x {coded[1]}. "
                    "Lower the resolution; frames are refused until the next key frame."
                )
            if self.size is not None and coded not in (self.size, padded_size(self.size)):
                raise PacketError(
                    f"expected pictures of {self.size[0]} x {self.size[1]} as the hello says, found "
                    f"{coded[0]} x {coded[1]}. Send a new hello when the size changes."
                )

    def _picture(self, frame: av.VideoFrame, seconds: float) -> Picture | None:
        sent = self._sent.pop(frame.pts, None) if frame.pts is not None else None
        if sent is None:
            return None
        frame_id, n_bytes, key = sent
        return Picture(frame, frame_id, n_bytes, key, self.size or (frame.width, frame.height), seconds)

    def _restart(self) -> None:
        """Forget the stream so far; the next packet must be a key frame."""
        try:
            context = cast(av.VideoCodecContext, av.CodecContext.create(DECODERS[self.codec], "r"))
        except (av.error.FFmpegError, ValueError) as error:
            raise PacketError(
                f"expected the decoder {DECODERS[self.codec]}, found none in this PyAV. Send another codec."
            ) from error
        context.thread_count = 1
        context.flags |= Flags.low_delay
        # FFmpeg counts rows as they lie in memory, rounded up; the exact limit is looked at after decoding.
        context.options = {"max_pixels": str(2 * self.limits.pixels + 65536), "err_detect": "explode"}
        self._context, self._needs_key = context, True
        self._ahead = b""
        self._sent.clear()
