"""Local features of two pictures and how many of them fit one homography."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import cv2
import numpy as np
import numpy.typing as npt

from lofivpr.errors import LofiError

Feature = Literal["sift", "orb"]
RATIO = 0.8
"""A match counts when the second best is this much farther (Lowe, IJCV 2004, section 7.1)."""
ERROR_PX = 4.0
MAX_SIDE = 640
"""Larger pictures are shrunk to this: features of a small query have no partners in the details of a large one."""


@dataclass(frozen=True, eq=False)
class Features:
    """Local features of a picture: `points` float32 n x 2 pixels (x, y), `descriptors` n rows."""

    points: npt.NDArray[np.float32]
    descriptors: np.ndarray

    def __len__(self) -> int:
        return len(self.points)


class Matcher(Protocol):
    """How two pictures are verified to show the same: SIFT and RANSAC here, or any other of this shape.

    `name` says all that decides what is found: it is kept with what was counted.
    """

    @property
    def name(self) -> str:
        """Such as `sift`."""
        ...

    def features(self, image: np.ndarray) -> Any:
        """What the other function needs of a picture (uint8 H x W x 3 RGB)."""
        ...

    def inlier_points(self, a: Any, b: Any) -> npt.NDArray[np.float32]:
        """Where in picture a the matches with b lie that one motion explains: float32 m x 2 pixels (x, y)."""
        ...


@dataclass(frozen=True)
class LocalFeatures:
    """The matcher of SIFT or ORB, the ratio test, and a homography by MAGSAC."""

    feature: Feature = "sift"

    @property
    def name(self) -> str:
        """The feature."""
        return self.feature

    def features(self, image: np.ndarray) -> Features:
        """See `features`."""
        return features(image, self.feature)

    def inlier_points(self, a: Features, b: Features) -> npt.NDArray[np.float32]:
        """See `inlier_pairs`."""
        return a.points[inlier_pairs(a, b, self.feature)[:, 0]]


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


def inlier_pairs(a: Features, b: Features, feature: Feature = "sift") -> npt.NDArray[np.int64]:
    """Matches that one homography explains to 4 pixels, found by MAGSAC, int64 m x 2; none where fewer than 4 match.

    A street is more than a plane; its facades are what both pictures see, and a homography, unlike a fundamental
    matrix, cannot explain much by chance.
    """
    pairs = matches(a, b, feature)
    if len(pairs) < 4:
        return pairs[:0]
    _, mask = cv2.findHomography(a.points[pairs[:, 0]], b.points[pairs[:, 1]], cv2.USAC_MAGSAC, ERROR_PX)
    return pairs[:0] if mask is None else pairs[mask.ravel() != 0]


def inliers(a: Features, b: Features, feature: Feature = "sift") -> int:
    """How many pairs `inlier_pairs` finds."""
    return len(inlier_pairs(a, b, feature))
