"""The text of a quality: `raw`, `240p`, `360x203`, `405p/h265:qp30`, `h264:64kbps@10fps`.

quality    = "raw" | resolution | [resolution "/"] channel
resolution = HEIGHT "p" | WIDTH "x" HEIGHT
channel    = codec [":" setting] ["@" RATE "fps"] ["," preset]
setting    = NUMBER | "q" NUMBER | "qp" NUMBER | "crf" NUMBER | NUMBER "kbps"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from lofivpr.errors import LofiError


class QualityError(LofiError):
    """A quality that is unknown, out of range, above the source, or not for this use."""


@dataclass(frozen=True)
class Codec:
    """What may be written of one codec: the limits of each setting (inclusive), and the presets."""

    name: str
    limits: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    is_video: bool = False
    presets: tuple[str, ...] = ("default",)

    @property
    def example(self) -> str:
        """A valid channel of this codec, for messages."""
        if not self.limits:
            return self.name
        mode, (low, high) = next(iter(self.limits.items()))
        return f"{self.name}:{setting_text(mode, (low + high) // 2)}"


_KBPS = {"kbps": (1, 1_000_000)}
CODECS: dict[str, Codec] = {
    codec.name: codec
    for codec in (
        Codec("jpeg", {"q": (1, 100)}),
        Codec("webp", {"q": (0, 100)}),
        Codec("avif", {"q": (0, 100)}),
        Codec("png"),
        Codec("h264", {"qp": (1, 51), "crf": (1, 51), **_KBPS}, True, ("default", "paper")),
        Codec("h265", {"qp": (1, 51), "crf": (1, 51), **_KBPS}, True, ("default", "paper")),
        Codec("av1", {"crf": (1, 63), **_KBPS}, True),
        Codec("vp9", {"crf": (1, 63), **_KBPS}, True),
    )
}


def is_lossy(codec: str | None) -> bool:
    """Is this the name of a codec that loses something? False for PNG, for none, and for formats that are no codec."""
    return codec in CODECS and bool(CODECS[codec].limits)


NUMBER = r"(?:0|[1-9]\d{0,8})"
_RESOLUTION = re.compile(rf"(?:({NUMBER})p|({NUMBER})x({NUMBER}))")
_SETTING = re.compile(rf"(q|qp|crf|)({NUMBER})(kbps|)")
_RATE = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)fps")


@dataclass(frozen=True)
class Parts:
    """A quality taken apart; None where the text says nothing."""

    width: int | None = None
    height: int | None = None
    codec: str | None = None
    mode: str | None = None
    value: int | None = None
    fps: float | None = None
    preset: str = "default"


def parse_parts(text: str) -> Parts:
    """Take a quality's text apart; limits are checked by `Quality`.

    Raises:
        QualityError: not in the grammar.
    """
    clean = text.strip().lower()
    if clean == "raw":
        return Parts()
    head, slash, tail = clean.partition("/")
    width, height = parse_resolution(head)
    if height is None:
        if slash:
            raise fault(text, f"{head!r} is no resolution")
        return Parts(**parse_channel(text, clean))
    return Parts(width, height, **(parse_channel(text, tail) if slash else {}))


def parse_resolution(text: str) -> tuple[int | None, int | None]:
    """Width and height of `240p` (None, 240) or `360x203`; None, None when it is neither."""
    match = _RESOLUTION.fullmatch(text)
    if not match:
        return None, None
    height_only, width, height = match.groups()
    return (None, int(height_only)) if height_only else (int(width), int(height))


def parse_channel(text: str, channel: str) -> dict:
    """Codec, mode, value, fps and preset of `h264:64kbps@10fps,paper`; `text` is for messages."""
    channel, comma, preset = channel.partition(",")
    channel, at, rate = channel.partition("@")
    name, colon, setting = channel.partition(":")
    if name not in CODECS:
        raise fault(text, f"{name!r} is no codec")
    parts: dict = {"codec": name, "preset": preset if comma else "default"}
    if at:
        match = _RATE.fullmatch(rate)
        if not match:
            raise fault(text, f"{rate!r} is no frame rate such as 10fps")
        parts["fps"] = float(match[1])
    if colon:
        parts["mode"], parts["value"] = parse_setting(text, setting)
    return parts


def parse_setting(text: str, setting: str) -> tuple[str, int]:
    """Mode and value of `10`, `q10`, `qp42`, `crf35` or `64kbps`; `text` is for messages."""
    match = _SETTING.fullmatch(setting)
    if not match or (match[1] and match[3]):
        raise fault(text, f"{setting!r} is no setting")
    return match[3] or match[1] or "q", int(match[2])


def setting_text(mode: str, value: int) -> str:
    """The canonical text of a setting."""
    return f"{value}kbps" if mode == "kbps" else f"{'' if mode == 'q' else mode}{value}"


def format_parts(parts: Parts) -> str:
    """The canonical text: `parse_parts(format_parts(p)) == p`."""
    resolution = ""
    if parts.height is not None:
        resolution = f"{parts.height}p" if parts.width is None else f"{parts.width}x{parts.height}"
    if parts.codec is None:
        return resolution or "raw"
    channel = parts.codec
    if parts.mode is not None and parts.value is not None:
        channel += ":" + setting_text(parts.mode, parts.value)
    channel += f"@{parts.fps:.3f}".rstrip("0").rstrip(".") + "fps" if parts.fps is not None else ""
    channel += f",{parts.preset}" if parts.preset != "default" else ""
    return f"{resolution}/{channel}" if resolution else channel


def check_parts(parts: Parts) -> None:
    """Check the limits of every part.

    Raises:
        QualityError: an unknown codec, setting or preset, or a value out of range.
    """
    text = format_parts(parts)
    for pixels in (parts.width, parts.height):
        if pixels is not None and not 1 <= pixels <= 65535:
            raise fault(text, f"a resolution is 1..65535 pixels, not {pixels}")
    if parts.width is not None and parts.height is None:
        raise fault(text, "a width needs a height")
    if parts.codec is None:
        if (parts.mode, parts.value, parts.fps, parts.preset) != (None, None, None, "default"):
            raise fault(text, "a setting needs a codec")
        return
    if parts.codec not in CODECS:
        raise fault(text, f"{parts.codec!r} is no codec")
    codec = CODECS[parts.codec]
    check_setting(text, codec, parts.mode, parts.value)
    if parts.preset not in codec.presets:
        raise fault(text, f"{codec.name} has the presets {', '.join(codec.presets)}, not {parts.preset!r}")
    if parts.fps is not None and not (codec.is_video and 0.001 <= round(parts.fps, 3) == parts.fps <= 1000):
        raise fault(text, "a frame rate is 0.001..1000fps with at most 3 decimals, and belongs to a video codec")


def check_setting(text: str, codec: Codec, mode: str | None, value: int | None) -> None:
    """Check one setting against its codec's limits; `text` is for messages."""
    if not codec.limits:
        if mode is not None or value is not None:
            raise fault(text, f"{codec.name} takes no setting")
        return
    if mode is None or value is None or mode not in codec.limits:
        known = ", ".join(f"{codec.name}:{setting_text(m, lo)}..{hi}" for m, (lo, hi) in codec.limits.items())
        raise fault(text, f"{codec.name} needs one setting of {known}")
    low, high = codec.limits[mode]
    if not low <= value <= high:
        raise fault(text, f"{mode} of {codec.name} is {low}..{high}, not {value}")


def fault(text: str, what: str) -> QualityError:
    """The error for a text outside the grammar."""
    channels = ", ".join(codec.example for codec in CODECS.values())
    return QualityError(
        f"expected a quality such as raw, 240p, 360x203 or 240p/jpeg:10, found {text!r}: {what}. "
        f"Channels look like {channels}."
    )
