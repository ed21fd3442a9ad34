"""From a picture, or descriptors, to `Fix`: what `Map.locate` and a server share."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from lofivpr.errors import LofiError
from lofivpr.maps.answer import answer
from lofivpr.maps.calibration import Calibration
from lofivpr.maps.evidence import SeenQuality
from lofivpr.maps.fix import Candidate, Fix
from lofivpr.media import ImageRef, open_image
from lofivpr.media.open import read_bytes
from lofivpr.models import Describer
from lofivpr.places import Places
from lofivpr.quality import PictureFile, Quality
from lofivpr.search import Neighbours

CANDIDATES = 10
"""Places that a position without a calibration stands on."""
Picture = str | Path | ImageRef | np.ndarray


def arrived(picture: Picture, quality: Quality | None) -> tuple[np.ndarray, SeenQuality, Quality | None]:
    """What a picture looks like after `quality` (uint8 H x W x 3), that quality as a receiver sees it, and its name.

    Without `quality` a picture file counts as what it is, as a service would see it; an array, a frame and a view as
    uncompressed, of no known quality.

    Raises:
        LofiError: it cannot be read, or the quality does not fit it.
    """
    image = picture if isinstance(picture, np.ndarray) else open_image(picture)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise LofiError(f"expected a picture as uint8 H x W x 3, found {image.dtype} {image.shape}.")
    if quality is not None and not quality.is_raw:
        encoded = quality.encode(image)
        return encoded.image, SeenQuality.of(quality.codec, encoded.size, encoded.n_bytes), quality
    size = (image.shape[1], image.shape[0])
    file = None if isinstance(picture, np.ndarray) or quality is not None else _file(picture)
    if file is None:
        return image, SeenQuality.of(None, size, None), quality
    seen = SeenQuality.of(file.codec, size, file.n_bytes) if file.is_lossy else SeenQuality.of(None, size, None)
    return image, seen, file.quality(size)


def _file(picture: str | Path | ImageRef) -> PictureFile | None:
    """How the file of a picture is coded; None where it is a frame of a clip, or a view."""
    ref = picture if isinstance(picture, ImageRef) else ImageRef.parse(str(picture))
    return None if ref.fragment else PictureFile.read(read_bytes(ref.path))


def described(describer: Describer, images: Sequence[np.ndarray], quality: Quality | None) -> np.ndarray:
    """float32 Q x D, as pictures of a map are described."""
    return np.asarray(describer.describe(list(images), [quality] * len(images)), np.float32)


def candidates(places: Places, found: Neighbours) -> list[list[Candidate]]:
    """The places of each query, best first. Descriptors have unit length: similarity is 1 - distance / 2."""
    rows = found.indices[found.indices >= 0]
    # Columns first: taking rows of all of them, from a map of several segments, took longer than some searches.
    known = places.table.select(["image", "lat", "lon", "heading_deg"]).take(pa.array(rows)).to_pylist()
    each, similarity = iter(zip(known, rows.tolist(), strict=True)), 1 - found.distances / 2
    return [
        [
            Candidate(place["image"], place["lat"], place["lon"], place["heading_deg"], float(value), row)
            for value, (place, row) in zip(values[np.isfinite(values)], each, strict=False)
        ]
        for values in similarity
    ]


def fixes(
    places: Places,
    found: Neighbours,
    calibration: Calibration | None,
    seen: Sequence[SeenQuality | None] | None = None,
    k: int = 5,
) -> list[Fix]:
    """A fix for each query, of what a search has found for it."""
    each = seen if seen is not None else [None] * len(found)
    return [answer(some, calibration, one, keep=k) for some, one in zip(candidates(places, found), each, strict=True)]
