"""What a quality-aware model is told about a picture: its codec, how hard it was quantized, how far it was shrunk.

A server knows these for free. `raw` is the null vector, at which a quality-aware model adds nothing.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from lofivpr.quality import Quality


class _Scale(NamedTuple):
    """A codec's setting as a strength: 0 where quantization begins to cost recall, 1 where little is left."""

    family: str
    mild: float
    hard: float
    logarithmic: bool = False


FAMILIES = ("none", "jpeg", "h264", "h265", "av1")
# Codecs that no model may have been trained on borrow their nearest relative: WebP's lossy pictures are VP8's
# intra frames, predicted and transformed much as H.264's; VP9 has large transforms as H.265; AVIF is AV1. Their
# ends are those at which a picture takes as many bits as the relative's; some lie beyond what the codec can do.
_SCALES = {
    "jpeg": _Scale("jpeg", 40, 5, logarithmic=True),
    "webp": _Scale("h264", 45, -36),
    "avif": _Scale("av1", 40, -25),
    "h264": _Scale("h264", 30, 48),
    "h265": _Scale("h265", 30, 48),
    "av1": _Scale("av1", 35, 63),
    "vp9": _Scale("h265", 51, 77),
}
# A bitrate says strength by the bits that a pixel gets, about those of the settings above at 240p.
_BITS_PER_PIXEL = _Scale("", 0.8, 0.08, logarithmic=True)
_LEAST, _MOST = -1.0, 1.5
# What is left of a picture goes faster near the hard end (AV1 leaves 867 bytes at crf 55, 214 at 63): from here on
# the strength has a second slope.
_BEND = 0.6
CONDITION_SIZE = 3 * len(FAMILIES) + 2


def condition(quality: Quality | None, height: int) -> np.ndarray:
    """The vector of one picture, float32 of `CONDITION_SIZE`: family (one of five); strength, of any family and in
    the family's own place; what of it lies beyond the bend, likewise; shrinking (octaves below the model's input
    `height`, halved), squared and as it is.

    None (nothing is known) is taken for `raw`.
    """
    vector = np.zeros(CONDITION_SIZE, dtype=np.float32)
    if quality is None or quality.is_raw:
        return vector
    scale = _SCALES.get(quality.codec or "", _Scale("none", 0, 1))
    family = FAMILIES.index(scale.family)
    strength = _strength(quality, scale, height)
    bent = max(0.0, strength - _BEND) / (1 - _BEND)
    vector[family] = 1
    for block, value in ((len(FAMILIES), strength), (2 * len(FAMILIES), bent)):
        # Pictures without a codec have no strength: their place in a block holds the one that all families share.
        vector[[block, block + family]] = value
    shrinking = max(0.0, math.log2(height / (quality.height or height))) / 2
    vector[-2:] = shrinking**2, shrinking
    return vector


def conditions(qualities: Sequence[Quality | None] | None, count: int, height: int) -> np.ndarray:
    """Vectors of `count` pictures: float32 count x CONDITION_SIZE; all null when no qualities are given."""
    if qualities is None:
        return np.zeros((count, CONDITION_SIZE), dtype=np.float32)
    return np.stack([condition(quality, height) for quality in qualities])


def _strength(quality: Quality, scale: _Scale, height: int) -> float:
    if quality.codec is None or quality.value is None:
        return 0.0
    setting = float(quality.value)
    if quality.mode == "kbps":
        # Aspect 4:3 where only a height is known: a strength needs no more.
        pixels = (quality.height or height) * (quality.width or (quality.height or height) * 4 / 3)
        scale, setting = _BITS_PER_PIXEL, 1000 * setting / (quality.fps or 30) / pixels
    if scale.logarithmic:
        found = math.log(scale.mild / max(setting, 1e-6)) / math.log(scale.mild / scale.hard)
    else:
        found = (setting - scale.mild) / (scale.hard - scale.mild)
    return min(max(found, _LEAST), _MOST)
