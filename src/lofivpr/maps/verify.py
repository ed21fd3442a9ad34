"""Verification: the first candidates ranked anew by how many local features fit one homography."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lofivpr.maps.fix import Candidate
from lofivpr.search.local_features import Feature, features, inliers

LEAST = 12
"""Inliers below which two pictures are as alike as any two."""


@dataclass(frozen=True)
class Verified:
    """Candidates in their new order, and the inliers of each (0 for those beyond the first, not looked at)."""

    candidates: tuple[Candidate, ...]
    inliers: tuple[int, ...]


def verify(
    query: np.ndarray,
    candidates: Sequence[Candidate],
    open_picture: Callable[[str], np.ndarray],
    first: int = 5,
    feature: Feature = "sift",
) -> Verified:
    """Rank the first candidates by their inliers with the query.

    Those with fewer than `LEAST` inliers keep their order behind the others. The probability of a calibration is for
    the order of the search; take the new order for a position, not for another probability.

    Args:
        query: uint8 H x W x 3 RGB.
        open_picture: uint8 H x W x 3 RGB for a reference.
        first: how many to look at.

    Raises:
        LofiError: a picture cannot be opened, or an unknown feature.
    """
    looked = list(candidates[:first])
    mine = features(query, feature)
    counts = [inliers(mine, features(open_picture(one.ref), feature), feature) for one in looked]
    sure = [count if count >= LEAST else 0 for count in counts]
    order = sorted(range(len(looked)), key=lambda row: -sure[row])  # stable
    rest = list(candidates[first:])
    return Verified(
        tuple([looked[row] for row in order] + rest), tuple([counts[row] for row in order] + [0] * len(rest))
    )
