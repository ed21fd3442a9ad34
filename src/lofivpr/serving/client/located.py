"""What comes back for a picture, or for a frame of a stream."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lofivpr.maps.fix import Fix


@dataclass(frozen=True)
class Located:
    """The answer to one picture.

    Attributes:
        fix: where it was taken, how surely, and whether the service abstains.
        quality: in which it was sent; `file` for a picture file that was sent as it is.
        n_bytes: of all that was sent of it, without headers.
        seconds: from the picture to the answer.
        asked: how often the service was asked: twice where it abstained first.
        frame, micros: the number and time of a frame of a stream.
    """

    fix: Fix
    quality: str
    n_bytes: int
    seconds: float
    asked: int = 1
    frame: int | None = None
    micros: int | None = None


@dataclass(frozen=True)
class Missed:
    """A frame of a stream that has no answer, and why; `skipped` where a newer one took its place."""

    frame: int
    micros: int
    reason: str
    skipped: bool = False


def work_seconds(answer: Mapping[str, Any]) -> float:
    """Seconds that the service spent on an answer."""
    return sum(answer["server_ms"].values()) / 1000
