"""Verification: the first candidates ranked anew by how many local features fit one homography."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import cv2
import numpy as np
import numpy.typing as npt

from lofivpr.errors import LofiError
from lofivpr.maps.fix import Candidate

Feature = Literal["sift", "orb"]
RATIO = 0.8
"""A match counts when the second best is this much farther (Lowe, IJCV 2004, section 7.1)."""
ERROR_PX = 4.0
LEAST = 12
"""Inliers below which two pictures are as alike as any two."""
MAX_SIDE = 640
"""Larger pictures are shrunk to this: features of a small query have no partners in the details of a large one."""


@dataclass(frozen=True, eq=False)
class Features:
    """Local features of a picture: `points` float32 n x 2 pixels (x, y), `descriptors` n rows."""

    points: npt.NDArray[np.float32]
    descriptors: np.ndarray

    def __len__(self) -> int:
        return len(self.points)


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


def features(image: np.ndarray, feature: Feature = "sift", most: int = 1000) -> Features:
    """SIFT (as RootSIFT: Arandjelovic, Zisserman, CVPR 2012) or ORB features of a picture (uint8 H x W x 3 RGB)."""
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, MAX_SIDE / max(grey.shape))
    if scale < 1:
        grey = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    found, rows = _detector(feature, most).detectAndCompute(grey, None)
    if rows is None or not len(found):
        return Features(np.empty((0, 2), np.float32), np.empty((0, 128 if feature == "sift" else 32), np.uint8))
    if feature == "sift":
        rows = np.sqrt(rows / np.maximum(rows.sum(axis=1, keepdims=True), 1e-9)).astype(np.float32)
    return Features(np.array([point.pt for point in found], np.float32) / np.float32(scale), rows)


def _detector(feature: str, most: int) -> Any:
    if feature == "sift":
        return cv2.SIFT_create(nfeatures=most)  # type: ignore[attr-defined]
    if feature == "orb":
        return cv2.ORB_create(nfeatures=most)  # type: ignore[attr-defined]
    raise LofiError(f"expected the feature sift or orb, found {feature!r}.")


def matches(a: Features, b: Features, feature: Feature = "sift") -> npt.NDArray[np.int64]:
    """Pairs of rows that are clearly each other's best by the ratio test, int64 m x 2."""
    if len(a) < 2 or len(b) < 2:
        return np.empty((0, 2), np.int64)
    matcher = cv2.BFMatcher(cv2.NORM_L2 if feature == "sift" else cv2.NORM_HAMMING)
    pairs = [pair for pair in matcher.knnMatch(a.descriptors, b.descriptors, k=2) if len(pair) == 2]
    good = [(m.queryIdx, m.trainIdx, m.distance) for m, other in pairs if m.distance < RATIO * other.distance]
    # One feature of b that many of a match would make them all inliers of a map onto a single point.
    best: dict[int, tuple[float, int]] = {}
    for query, train, distance in good:
        best[train] = min(best.get(train, (np.inf, -1)), (distance, query))
    return np.array([(query, train) for train, (_, query) in sorted(best.items())], np.int64).reshape(-1, 2)


def inliers(a: Features, b: Features, feature: Feature = "sift") -> int:
    """Matches that one homography explains to 4 pixels, found by MAGSAC; 0 where there are fewer than 4.

    A street is more than a plane; its facades are what both pictures see, and a homography, unlike a fundamental
    matrix, cannot explain much by chance.
    """
    pairs = matches(a, b, feature)
    if len(pairs) < 4:
        return 0
    _, mask = cv2.findHomography(a.points[pairs[:, 0]], b.points[pairs[:, 1]], cv2.USAC_MAGSAC, ERROR_PX)
    return 0 if mask is None else int(np.count_nonzero(mask))
