"""The name of a picture: a file, a frame of a clip, or a view of a 360-degree panorama."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lofivpr.errors import LofiError

DEFAULT_FOV = 90.0
_KEYS = ("frame", "yaw", "pitch", "fov", "mask")


class BadImageError(LofiError):
    """A picture, clip or reference that cannot be used."""


@dataclass(frozen=True)
class ImageRef:
    """One picture: `a.jpg`, `clip.mp4#frame=123`, `pano.jpg#yaw=40&fov=90`, or an fsspec URL of these.

    `frame` counts from 0 in order of display. `yaw`, `pitch` and `fov` are degrees: yaw 0 is the middle
    of the panorama and grows to the right, pitch grows upwards, `fov` is the horizontal field of view.
    `fov` None means the whole picture. `mask` is a picture, relative as `path`, whose black pixels hide what
    is behind them before a view is cut. A `#` that starts no such fragment belongs to the file's name.

    Raises:
        BadImageError: an empty path, a negative frame, angles outside their range, or `&` or `#` in a mask's name.
    """

    path: str
    frame: int | None = None
    yaw: float = 0.0
    pitch: float = 0.0
    fov: float | None = None
    mask: str | None = None

    def __post_init__(self) -> None:
        if not self.path:
            raise BadImageError("expected the path of a picture, found an empty one. Name a file.")
        if _split(self.path)[1]:
            raise BadImageError(f"expected a path without a fragment, found {self.path!r}. Use parse.")
        if self.frame is not None and self.frame < 0:
            raise BadImageError(f"expected a frame >= 0, found {self.frame} in {self.path}.")
        if not (math.isfinite(self.yaw) and -90 <= self.pitch <= 90):
            raise BadImageError(
                f"expected a finite yaw and a pitch in -90..90 degrees, found {self.yaw} and {self.pitch}."
            )
        if self.fov is None and (self.yaw or self.pitch):
            raise BadImageError(f"expected a fov beside yaw and pitch in {self.path}, found none: add it.")
        if self.fov is not None and not 1 <= self.fov <= 170:
            raise BadImageError(f"expected a fov in 1..170 degrees, found {self.fov} in {self.path}.")
        if self.mask is not None and (not self.mask or {"&", "#"} & set(self.mask)):
            raise BadImageError(f"expected a mask's path without & and #, found {self.mask!r}. Rename it.")

    @classmethod
    def parse(cls, text: str) -> ImageRef:
        """Read a reference; `yaw` or `pitch` without `fov` is a view of 90 degrees.

        Raises:
            BadImageError: a key given twice, or a value that is no number.
        """
        path, fragment = _split(text)
        if not fragment:
            return cls(path)
        values: dict[str, str] = {}
        for part in fragment.split("&"):
            key, value = part.split("=", 1)
            if key in values:
                raise BadImageError(f"expected {key} once, found it twice in {text!r}.")
            values[key] = value
        try:
            frame = int(values["frame"]) if "frame" in values else None
            yaw, pitch = float(values.get("yaw", 0)), float(values.get("pitch", 0))
            default = DEFAULT_FOV if {"yaw", "pitch"} & set(values) else None
            fov = float(values["fov"]) if "fov" in values else default
        except ValueError as error:
            raise BadImageError(
                f"expected frame=INTEGER and yaw, pitch, fov in degrees, found {fragment!r} in {text!r}."
            ) from error
        return cls(path, frame, yaw, pitch, fov, values.get("mask"))

    @property
    def fragment(self) -> str:
        """The part after `#`, canonical; empty for a whole picture."""
        parts = [] if self.frame is None else [f"frame={self.frame}"]
        if self.fov is not None:
            parts.append(f"yaw={_number(self.yaw)}")
            parts += [f"pitch={_number(self.pitch)}"] if self.pitch else []
            parts.append(f"fov={_number(self.fov)}")
        parts += [] if self.mask is None else [f"mask={self.mask}"]
        return "&".join(parts)

    def __str__(self) -> str:
        return f"{self.path}#{self.fragment}" if self.fragment else self.path


def _split(text: str) -> tuple[str, str]:
    """Path and fragment; the fragment is empty unless every part is `key=value` with a known key."""
    path, mark, fragment = text.rpartition("#")
    known = all("=" in part and part.split("=", 1)[0] in _KEYS for part in fragment.split("&"))
    return (path, fragment) if mark and known else (text, "")


def _number(value: float) -> str:
    """Shortest text that reads back to the same float, without a trailing `.0`."""
    text = repr(float(value))
    return text[:-2] if text.endswith(".0") else text
