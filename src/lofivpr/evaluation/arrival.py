"""What the channel leaves of a query, for those who look at it."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from lofivpr.errors import LofiError
from lofivpr.evaluation.outcome import Scene
from lofivpr.quality import Quality, psnr
from lofivpr.quality.stream import footage_of

MOST_FRAMES = 600
"""Of a stream that is sent again for one picture in it."""


class Sent(NamedTuple):
    """A picture after the channel (uint8 h x w x 3), its bytes, and its PSNR in dB at the source's size.

    `whole`: whether the codec is in it; else it is what the resolution leaves, without bytes and PSNR.
    """

    image: np.ndarray
    n_bytes: int | None
    psnr: float | None
    whole: bool = True

    @property
    def note(self) -> str:
        """Width and height, and whether the codec is still to come."""
        before = "" if self.whole else ", before the stream's codec"
        return f"{self.image.shape[1]} × {self.image.shape[0]}{before}"


def sent(image: np.ndarray, quality: Quality) -> Sent:
    """A picture that is sent by itself."""
    if quality.is_raw:
        return Sent(image, None, None)
    encoded = quality.encode(image)
    return Sent(encoded.image, encoded.n_bytes, _psnr(image, encoded.image))


def sent_query(scene: Scene, query: int, image: np.ndarray, quality: str) -> Sent:
    """Query number `query`, of which this is the picture.

    At a quality with a frame rate it comes out of its stream, which is sent again up to it. Where that cannot be done
    (old results, which do not know the sequences; a long way; files that are gone) it is what the resolution leaves.
    """
    point = Quality.parse(quality)
    if not point.is_stream:
        return sent(image, point)
    return _out_of_stream(scene, query, image, point) or Sent(point.resize(image), None, None, whole=False)


def _out_of_stream(scene: Scene, query: int, image: np.ndarray, quality: Quality) -> Sent | None:
    try:
        [footage] = footage_of([scene.query_images[query]], scene.sequences)
        if footage.length > MOST_FRAMES:
            return None
        arrived = next(footage.send(quality, scene.root or ".", skip_bad=True))
    except LofiError:
        return None
    if arrived.image is None:
        return None
    return Sent(arrived.image, arrived.n_bytes or None, _psnr(image, arrived.image))


def _psnr(image: np.ndarray, left: np.ndarray) -> float:
    size = image.shape[1], image.shape[0]
    return float(psnr(image, left if left.shape == image.shape else cv2.resize(left, size)))
