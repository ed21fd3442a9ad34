"""Two views of the town agree: what is seen twice lies in one place."""

from __future__ import annotations

import cv2
import numpy as np

from lofivpr.places.town import (
    MORNING,
    Label,
    PinholeCamera,
    Town,
)


def test_two_views_of_a_facade_agree_in_place_and_colour(town: Town, spot: tuple[float, float, float]) -> None:
    """A pixel of one view, lifted by its depth and projected into the other, has its depth and its colour there."""
    street = max(town.streets, key=lambda s: s.length)
    heading = (90.0 if street.axis == 0 else 0.0) + 40
    shift = np.array(street.point(0.0, 0.6)) - street.point(-1.5, 0.0)
    first = PinholeCamera(spot, heading, 6.0, 0.0, 480, 360)
    second = PinholeCamera((spot[0] + shift[0], spot[1] + shift[1], 1.7), heading + 6, 4.0, -1.0, 480, 360)
    a, b = (town.render(camera, MORNING, None) for camera in (first, second))
    rows, columns = np.nonzero(a.mask(Label.FACADE))
    rays = np.stack([(columns - 239.5) / first.focal, (rows - 179.5) / first.focal, np.ones(len(rows))], axis=1)
    points = np.array(spot) + (rays * a.depth[rows, columns][:, None]) @ first.rotation
    pixels, depth = second.project(points)
    at = np.rint(pixels).astype(int)
    inside = (depth > 0) & (at >= 1).all(axis=1) & (at[:, 0] < 479) & (at[:, 1] < 359)
    at, depth, rows, columns = at[inside], depth[inside], rows[inside], columns[inside]
    visible = np.abs(b.depth[at[:, 1], at[:, 0]] / depth - 1) < 0.02
    assert visible.mean() > 0.8 and visible.sum() > 5000
    colour_a = a.image[rows, columns][visible].astype(int)
    colour_b = b.image[at[visible][:, 1], at[visible][:, 0]].astype(int)
    difference = np.abs(colour_a - colour_b)
    assert np.median(difference) <= 6
    # The same pixels against a view that is not the place: far more different, so the agreement means something.
    other = np.abs(colour_a - np.roll(colour_b, 2000, axis=0))
    assert difference.mean() < 0.45 * other.mean()


def test_a_camera_is_found_again_from_matched_points(town: Town, spot: tuple[float, float, float]) -> None:
    """SIFT between two views, depth of the first, PnP: the second camera to 5 cm and 0.2 degrees, by OpenCV."""
    street = max(town.streets, key=lambda s: s.length)
    heading = (90.0 if street.axis == 0 else 0.0) + 15
    first = PinholeCamera(spot, heading, 5.0, 0.0, 480, 360)
    second = PinholeCamera((spot[0] + 0.8, spot[1] + 0.9, 1.65), heading + 5, 3.0, 1.0, 480, 360)
    a, b = (town.render(camera, MORNING, traffic) for camera, traffic in ((first, 1), (second, 2)))
    sift = cv2.SIFT_create()
    (keys_a, words_a), (keys_b, words_b) = (sift.detectAndCompute(view.image, None) for view in (a, b))
    pairs = [m for m, n in cv2.BFMatcher().knnMatch(words_a, words_b, k=2) if m.distance < 0.75 * n.distance]
    pixels = np.array([keys_a[m.queryIdx].pt for m in pairs])
    seen = np.array([keys_b[m.trainIdx].pt for m in pairs])
    depth = a.depth[tuple(np.rint(pixels).astype(int).T[::-1])]
    pixels, seen, depth = (values[np.isfinite(depth)] for values in (pixels, seen, depth))
    rays = np.column_stack([(pixels - (239.5, 179.5)) / first.focal, np.ones(len(pixels))])
    points = np.array(spot) + (rays * depth[:, None]) @ first.rotation
    ok, turn, shift, inliers = cv2.solvePnPRansac(points, seen, second.matrix, None, reprojectionError=2.0)
    rotation = cv2.Rodrigues(turn)[0]
    assert ok and len(inliers) > 40
    assert np.linalg.norm(-rotation.T @ shift[:, 0] - second.position) < 0.05
    cosine = (np.trace(rotation @ second.rotation.T) - 1) / 2
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))) < 0.2
