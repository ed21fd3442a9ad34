"""Local features on made-up facades seen from two sides: matches and inliers against loops and the true homography."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from facades import SEEN_ASIDE, aside, facade
from lofivpr.errors import LofiError
from lofivpr.search import LocalFeatures
from lofivpr.search.local_features import Features, features, inlier_pairs, inliers, matches


@pytest.mark.parametrize("feature", ["sift", "orb"])
def test_inliers_are_the_matches_that_the_true_homography_explains(feature: str) -> None:
    wall = facade(0)
    a, b = features(wall, feature), features(aside(wall), feature)  # type: ignore[arg-type]
    pairs = matches(a, b, feature)  # type: ignore[arg-type]
    true = 0
    for i, j in pairs:
        x, y, w = SEEN_ASIDE @ [*a.points[i], 1]
        true += np.hypot(x / w - b.points[j][0], y / w - b.points[j][1]) <= 4
    found = inliers(a, b, feature)  # type: ignore[arg-type]
    assert true > 40 and abs(found - true) <= 0.1 * true
    assert inliers(a, features(facade(1), feature), feature) < 12  # type: ignore[arg-type]


@pytest.mark.parametrize("feature", ["sift", "orb"])
def test_matches_are_the_ratio_test_in_loops(feature: str) -> None:
    a, b = (features(image, feature, most=60) for image in (facade(0), aside(facade(0))))  # type: ignore[arg-type]

    def distance(i: int, j: int) -> float:
        if feature == "orb":
            return float(np.unpackbits(a.descriptors[i] ^ b.descriptors[j]).sum())
        return float(np.linalg.norm(a.descriptors[i].astype(float) - b.descriptors[j]))

    best: dict[int, tuple[float, int]] = {}
    for i in range(len(a)):
        (first, j), (second, _) = sorted((distance(i, j), j) for j in range(len(b)))[:2]
        if first < 0.8 * second:
            best[j] = min(best.get(j, (np.inf, -1)), (first, i))
    expected = {(i, j) for j, (_, i) in best.items()}
    assert len(expected) > 5
    assert {(int(i), int(j)) for i, j in matches(a, b, feature)} == expected  # type: ignore[arg-type]


def test_large_pictures_are_measured_in_their_own_pixels() -> None:
    large = cv2.resize(facade(0), None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    found = features(large)
    assert len(found) > 50 and found.points.max() > 1000
    assert inliers(features(facade(0)), found) > 30


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(LofiError, match="sift or orb"):
        features(facade(0), "surf")  # type: ignore[arg-type]


def test_a_matcher_gives_the_places_of_its_inliers() -> None:
    matcher = LocalFeatures()
    a, b = matcher.features(facade(0)), matcher.features(aside(facade(0)))
    points = matcher.inlier_points(a, b)
    assert matcher.name == "sift" and len(points) == inliers(a, b) == len(inlier_pairs(a, b))
    assert {tuple(point) for point in points} <= {tuple(point) for point in a.points}
    blank = matcher.features(np.full((60, 80, 3), 200, np.uint8))
    assert matcher.inlier_points(a, blank).shape == (0, 2)


def test_too_few_features_match_nothing() -> None:
    one = Features(np.zeros((1, 2), np.float32), np.zeros((1, 128), np.float32))
    assert inliers(one, features(facade(0))) == 0
    assert len(features(np.full((60, 80, 3), 200, np.uint8), "orb")) == 0
