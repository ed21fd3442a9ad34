"""Verification on made-up facades seen from two sides: inliers against the true homography, and the new order."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.maps.fix import Candidate
from lofivpr.maps.verify import LEAST, Features, features, inliers, matches, verify

SEEN_ASIDE = np.array([[0.9, 0.05, 12.0], [-0.03, 0.95, 8.0], [2e-4, 1e-4, 1.0]])


def facade(seed: int) -> np.ndarray:
    """A wall of random rectangles, uint8 240 x 320 x 3."""
    rng = np.random.default_rng(seed)
    image = np.full((240, 320, 3), 128, np.uint8)
    for _ in range(120):
        x, y, w, h = rng.integers(0, 300), rng.integers(0, 220), rng.integers(6, 40), rng.integers(6, 40)
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), rng.integers(0, 255, 3).tolist(), -1)
    return image


def aside(image: np.ndarray) -> np.ndarray:
    return cv2.warpPerspective(image, SEEN_ASIDE, (320, 240), borderMode=cv2.BORDER_REFLECT)


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
    assert inliers(a, features(facade(1), feature), feature) < LEAST  # type: ignore[arg-type]


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


def test_the_right_place_comes_first_and_the_rest_keeps_its_order() -> None:
    walls = {f"{seed}.png": aside(facade(seed)) for seed in range(6)}
    candidates = [Candidate(ref, 1.0, 2.0, None, 0.9 - row / 10, row) for row, ref in enumerate(walls)]
    opened = []

    def open_picture(ref: str) -> np.ndarray:
        opened.append(ref)
        return walls[ref]

    found = verify(facade(2), candidates, open_picture, first=4)
    assert [c.row for c in found.candidates] == [2, 0, 1, 3, 4, 5]
    assert opened == ["0.png", "1.png", "2.png", "3.png"]
    assert found.inliers[0] > 40 and max(found.inliers[1:4]) < LEAST and found.inliers[4:] == (0, 0)
    again = verify(facade(2), candidates, open_picture, first=4)
    assert again == found


def test_a_picture_without_features_changes_nothing() -> None:
    blank = np.full((60, 80, 3), 200, np.uint8)
    assert len(features(blank)) == 0 and len(features(blank, "orb")) == 0
    candidates = [Candidate(str(row), None, None, None, 0.5, row) for row in range(3)]
    found = verify(blank, candidates, lambda ref: facade(int(ref)))
    assert list(found.candidates) == candidates and found.inliers == (0, 0, 0)
    assert verify(facade(0), [], lambda ref: blank).candidates == ()
    assert inliers(Features(np.zeros((1, 2), np.float32), np.zeros((1, 128), np.float32)), features(facade(0))) == 0


def test_large_pictures_are_measured_in_their_own_pixels() -> None:
    large = cv2.resize(facade(0), None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC)
    found = features(large)
    assert len(found) > 50 and found.points.max() > 1000
    assert inliers(features(facade(0)), found) > 30


def test_an_unknown_feature_is_refused() -> None:
    with pytest.raises(LofiError, match="sift or orb"):
        features(facade(0), "surf")  # type: ignore[arg-type]
