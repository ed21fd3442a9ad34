"""What travels: the hello and the answers of a stream, the header of a packet, descriptors of devices."""

from __future__ import annotations

import math
import struct
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from lofivpr.errors import LofiError
from lofivpr.quality import Quality
from lofivpr.serving.packets import VIDEO_CODECS

HEADER = struct.Struct(">QQ")  # frame id, microseconds since an origin of the client's choice; then the packet
LARGEST_ID = 2**53 - 1  # that JavaScript writes exactly
STILL_CODECS = ("jpeg", "png", "webp", "avif")
STREAM_CODECS = (*VIDEO_CODECS, *STILL_CODECS)
DESCRIPTOR_DTYPES = ("float32", "float16")


class WireError(LofiError):
    """A message that does not follow the protocol."""


class Where(BaseModel):
    """What a client knows of its position: candidates come from `radius_m` metres around `near`."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    near: tuple[float, float] | None = Field(
        None, description="Latitude and longitude in degrees; x and y in metres where the map's positions are local."
    )
    radius_m: float | None = Field(None, gt=0, le=20_040_000, description="Metres around `near`.")
    heading: float | None = Field(None, ge=-360, le=360, description="Degrees clockwise from north.")

    @model_validator(mode="after")
    def _belongs_together(self) -> Where:
        if (self.near is None) != (self.radius_m is None):
            raise ValueError("expected near and radius_m together, found one of them")
        return self


class Hello(Where):
    """The first message of a stream, and any later one that changes something; text, JSON."""

    codec: Literal[STREAM_CODECS] = Field(description="Of the packets that follow.")  # type: ignore[valid-type]
    size: tuple[int, int] | None = Field(
        None, description="Width and height that were encoded; needed where an odd size was padded to an even one."
    )
    k: int = Field(5, ge=1, description="Places in an answer.")
    quality: str | None = Field(
        None, max_length=60, description="What the encoder is set to, such as 240p/h264:qp40; else it is guessed."
    )
    sequence: bool = Field(False, description="Filter the answers along the stream.")

    @model_validator(mode="after")
    def _has_pixels(self) -> Hello:
        if self.size is not None and not all(1 <= side <= 65535 for side in self.size):
            raise ValueError(f"expected a width and a height of 1 to 65535 pixels, found {list(self.size)}")
        return self


def read_quality(text: str | None) -> Quality | None:
    """What a client says that its encoder is set to.

    Raises:
        QualityError: not in the grammar.
    """
    return None if text is None else Quality.parse(text)


def read_hello(text: str) -> Hello:
    """A hello from its JSON.

    Raises:
        WireError: no JSON, or a field that is missing, unknown or out of range.
    """
    try:
        return Hello.model_validate_json(text)
    except ValidationError as error:
        raise WireError(f'expected a hello such as {{"codec": "h264"}}, found: {first_fault(error)}.') from None


def first_fault(error: ValidationError) -> str:
    """The first fault that pydantic found, in words, without what was sent."""
    first = error.errors(include_input=False, include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{field}: {message}" if field else message


def read_packet(message: bytes) -> tuple[int, int, bytes]:
    """Frame id, microseconds and packet of a binary message.

    Raises:
        WireError: too short, or an id above 2^53 - 1.
    """
    if len(message) < HEADER.size:
        raise WireError(
            f"expected {HEADER.size} bytes of header (frame id and microseconds, big-endian) and a packet, "
            f"found {len(message)} bytes in all."
        )
    frame_id, micros = HEADER.unpack_from(message)
    if frame_id > LARGEST_ID:
        raise WireError(f"expected a frame id of at most 2^53 - 1, found {frame_id}. Count from 0.")
    return frame_id, micros, message[HEADER.size :]


def write_packet(frame_id: int, micros: int, packet: bytes) -> bytes:
    """A binary message for `read_packet`."""
    return HEADER.pack(frame_id, micros) + packet


def read_descriptor(data: bytes, dtype: str, size: int) -> np.ndarray:
    """A descriptor that a device made: little-endian numbers to float32 1 x `size`, brought to unit length.

    Raises:
        WireError: another number of bytes, another type, or values without a direction.
    """
    if dtype not in DESCRIPTOR_DTYPES:
        raise WireError(f"expected a dtype of {' or '.join(DESCRIPTOR_DTYPES)}, found {dtype[:20]!r}.")
    kind = np.dtype(dtype).newbyteorder("<")
    if len(data) != size * kind.itemsize:
        raise WireError(
            f"expected {size} numbers of {dtype}, {size * kind.itemsize} bytes, found {len(data)} bytes. "
            "Send one descriptor of the map's model, little-endian."
        )
    values = np.frombuffer(data, kind).astype(np.float64)
    norm = float(np.sqrt((values * values).sum()))
    if not math.isfinite(norm) or norm == 0:
        raise WireError("expected a descriptor of finite numbers that are not all 0, found another.")
    return (values / norm).astype(np.float32)[None]
