"""A picture after a channel, and how right what was found for it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from lofivpr.evaluation.arrival import sent
from lofivpr.evaluation.thumbs import data_uri
from lofivpr.maps import Fix, Map
from lofivpr.places import Places
from lofivpr.places.geodesy import geocentric
from lofivpr.quality import Quality
from lofivpr.serving.explorer.album import radius_of
from lofivpr.serving.seen import Seen, seen_of

MOST_PIXELS = 1_000_000  # of a picture that is sent through a channel here; encoding larger ones takes seconds


def within_pixels(image: np.ndarray) -> np.ndarray:
    """The picture, shrunk where it has more than `MOST_PIXELS`."""
    height, width = image.shape[:2]
    share = (MOST_PIXELS / (height * width)) ** 0.5
    if share >= 1:
        return image
    narrow = max(1, int(width * share))
    low = max(1, min(int(height * share), MOST_PIXELS // narrow))
    return cv2.resize(image, (narrow, low), interpolation=cv2.INTER_AREA)


@dataclass(frozen=True)
class Arrived:
    """What is left of a picture.

    Attributes:
        image: uint8 H x W x 3, as the receiver decoded it.
        quality: what it went through.
        n_bytes: that were sent; None without a codec.
        psnr: in dB, at the size of the source; None for a picture that stayed as it was.
        source: width and height before.
    """

    image: np.ndarray
    quality: Quality
    n_bytes: int | None
    psnr: float | None
    source: tuple[int, int]

    @classmethod
    def of(cls, image: np.ndarray, quality: Quality) -> Arrived:
        """Send a picture. Raises QualityError."""
        seen = sent(image, quality)
        return cls(seen.image, quality, seen.n_bytes, seen.psnr, (image.shape[1], image.shape[0]))

    @property
    def size(self) -> tuple[int, int]:
        """Width and height."""
        return self.image.shape[1], self.image.shape[0]

    @property
    def seen(self) -> Seen:
        """What a server would have seen of it."""
        if self.quality.codec is None or self.n_bytes is None:
            return Seen(None, *self.size, 0, None, self.quality)
        return seen_of(self.quality.codec, self.size, self.n_bytes, quality=self.quality)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, the very pixels among them."""
        png = cv2.imencode(".png", self.image[..., ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 1])[1].tobytes()
        return {
            "quality": str(self.quality),
            "width": self.size[0],
            "height": self.size[1],
            "source": list(self.source),
            "bytes": self.n_bytes,
            "psnr": None if self.psnr is None or not np.isfinite(self.psnr) else round(self.psnr, 2),
            "uri": data_uri(png, "image/png"),
        }


def spots(places: Places) -> list[list[float] | None]:
    """Where to draw places: latitude and longitude or, where positions are local, y and x; None where unknown."""
    if not places.has_positions:
        return [None] * len(places)
    if places.frame is None:
        return [[float(y), float(x)] for x, y in places.xy()]
    return [[float(lat), float(lon)] for lat, lon in zip(places.column("lat"), places.column("lon"), strict=True)]


def judged(town: Map, fix: Fix, truth: Places | None) -> dict[str, Any]:
    """A fix with what is known of its truth.

    Args:
        town: the map that answered.
        truth: the one place where the query was taken; None where nobody knows.

    Returns:
        `Fix.to_dict` with `at` (see `spots`) and `off_m`, metres from the truth; each candidate with `right` besides.
    """
    found = town.places.select([candidate.row for candidate in fix.candidates])
    known = truth is not None and truth.has_positions and found.has_positions
    off = [round(float(one), 1) for one in _off(found.points(), truth)] if known else [None] * len(found)
    candidates = [
        {
            **candidate.to_dict(),
            "at": at,
            "off_m": metres,
            "right": None if metres is None else metres <= radius_of(town),
        }
        for candidate, at, metres in zip(fix.candidates, spots(found), off, strict=True)
    ]
    at = None if fix.lat is None or fix.lon is None else [fix.lat, fix.lon]
    error = float(_off(geocentric(*np.array(at)[:, None]), truth)[0]) if at and known else None
    off_m = None if error is None else round(error, 1)
    return {**fix.to_dict(), "candidates": candidates, "at": at, "off_m": off_m}


def _off(points: np.ndarray, truth: Places | None) -> np.ndarray:
    """Metres of N points from the one of the truth."""
    assert truth is not None
    return np.linalg.norm(points - truth.points(), axis=1)
