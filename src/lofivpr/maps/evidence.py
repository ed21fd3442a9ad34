"""What a search says about whether its answer is right, as numbers that a probability is fitted on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lofivpr.maps.position import Estimates, weights
from lofivpr.quality.grammar import CODECS

Floats = npt.NDArray[np.float64]

FULL_HEIGHT = 480
"""Pixels in height beyond which no model of the field sees more."""
FULL_BITS, LEAST_BITS = 3.0, 0.01
"""Bits a pixel from which a codec takes nothing that matters, and the fewest that are told apart."""
AGREE_OF = 10
"""Candidates whose agreement is counted."""
FAMILIES = tuple(name for name, codec in CODECS.items() if codec.limits)
"""The codecs that lose something; png and uncompressed pictures lose nothing."""
NAMES = (
    *("similarity", "margin", "agreement", "spread", "height", "bits"),
    *("margin at few bits", *(f"bits of {family}" for family in FAMILIES)),
)


@dataclass(frozen=True)
class SeenQuality:
    """The quality of a query as its receiver sees it for free.

    Attributes:
        codec: a name of `quality.grammar.CODECS` in which it arrived; None where it was never encoded (a device
            that describes its own camera's pictures), and for codecs that are not known.
        height: pixels of the picture that arrived; None where it is not known: then as if it were full.
        bits_per_pixel: 8 x bytes / (width x height); of a stream the mean over its last frames, which is below
            that of a still of the same looks, so that its probability errs to the safe side. None without a codec.
    """

    codec: str | None = None
    height: int | None = None
    bits_per_pixel: float | None = None

    def __post_init__(self) -> None:
        if self.height is not None and self.height < 1:
            raise ValueError(f"expected a height of at least 1, found {self.height}")
        if self.bits_per_pixel is not None and not 0 <= self.bits_per_pixel < np.inf:
            raise ValueError(f"expected bits per pixel, found {self.bits_per_pixel}")

    @classmethod
    def of(cls, codec: str | None, size: tuple[int, int], n_bytes: int | None) -> SeenQuality:
        """From a picture of `size` (width, height) that took `n_bytes` (None: without a codec)."""
        return cls(codec, size[1], None if n_bytes is None else 8 * n_bytes / (size[0] * size[1]))

    @property
    def lacking_height(self) -> float:
        """Halvings of the full height, 0 where nothing is lost."""
        return 0.0 if self.height is None else max(0.0, float(np.log2(FULL_HEIGHT / self.height)))

    @property
    def lacking_bits(self) -> float:
        """Halvings of the bits a pixel that lose nothing; 0 without a lossy codec."""
        if self.bits_per_pixel is None or self.codec is None or (self.codec in CODECS and self.codec not in FAMILIES):
            return 0.0
        return max(0.0, float(np.log2(FULL_BITS / max(self.bits_per_pixel, LEAST_BITS))))


def evidence(
    similarity: Floats, points: Floats, found: Estimates, seen: Sequence[SeenQuality], within_m: float
) -> Floats:
    """Float64 Q x len(NAMES): search and quality in numbers, 0 where nothing is known.

    Whatever is lost by a codec enters as a slope over the bits that are lacking, not as a step: a JPEG of a photo
    camera is then what it looks like, as good as an uncompressed picture.

    Args:
        similarity: Q x K, best first; NaN or -inf where there is no candidate.
        points: Q x K x 3 metres, see `position.estimate`.
        found: what `position.estimate` made of both.
        seen: Q qualities.
        within_m: metres within which candidates agree.
    """
    known = np.isfinite(similarity)
    best = np.where(known[:, 0], similarity[:, 0], 0.0)
    margin = margins(similarity, found)
    share = np.where(known, weights(similarity), 0.0)[:, :AGREE_OF]
    agreement = (share * found.agree[:, :AGREE_OF]).sum(axis=1) / np.maximum(share.sum(axis=1), 1e-9)
    spread = np.nan_to_num(found.spread_m / within_m)
    height = np.array([one.lacking_height for one in seen], np.float64)
    bits = np.array([one.lacking_bits for one in seen], np.float64)
    families = [[one.lacking_bits * (one.codec == family) for family in FAMILIES] for one in seen]
    plain = np.column_stack((best, margin, agreement, spread, height, bits, margin * bits))
    return np.hstack((plain, np.array(families, np.float64).reshape(len(seen), len(FAMILIES))))


def margins(similarity: Floats, found: Estimates) -> Floats:
    """How much more alike the best candidate is than the best one that does not agree with it, float64 Q.

    Where all agree, than the last one, which the first that does not cannot exceed; 0 for a single candidate.
    """
    known = np.isfinite(similarity)
    values = np.where(known, similarity, np.inf)
    last = values.min(axis=1)
    others = np.where(known & ~found.agree, similarity, -np.inf).max(axis=1)
    margin = similarity[:, 0] - np.where(np.isfinite(others), others, last)
    return np.nan_to_num(np.maximum(margin, 0.0), nan=0.0, posinf=0.0, neginf=0.0)
