"""The town's panoramas show what pinhole cameras see along the same rays."""

from __future__ import annotations

import numpy as np
import pytest

from lofivpr.media.panorama import perspective_view
from lofivpr.places.town import (
    MORNING,
    Label,
    PanoramaCamera,
    PinholeCamera,
    Town,
)

SIZE = {"width": 240, "height": 180}


def test_panorama_equals_the_pinhole_views_along_the_same_rays(town: Town, spot: tuple[float, float, float]) -> None:
    panorama = town.panorama(spot, MORNING, 1, heading_deg=20.0, width=1024)
    for heading in (0.0, 135.0, 290.0):
        camera = PinholeCamera(spot, heading, 8.0, 0.0, **SIZE)
        view = town.render(camera, MORNING, 1)
        rows, columns = np.mgrid[4:176:3, 4:236:3]
        rays = np.stack([(columns - 119.5) / camera.focal, (rows - 89.5) / camera.focal, np.ones(rows.shape)], -1)
        world = rays.reshape(-1, 3) @ camera.rotation
        length = np.linalg.norm(world, axis=1)
        # The definition of equirectangular, written out.
        azimuth = np.degrees(np.arctan2(world[:, 0], world[:, 1])) - 20.0
        elevation = np.degrees(np.arcsin(world[:, 2] / length))
        column = ((azimuth / 360 + 0.5) % 1) * 1024 - 0.5
        row = (0.5 - elevation / 180) * 512 - 0.5
        at = np.clip(np.rint(row), 0, 511).astype(int), np.rint(column).astype(int) % 1024
        labels = view.labels[rows, columns].ravel()
        same = panorama.labels[at] == labels
        assert same.mean() > 0.95
        solid = same & np.isin(labels, (Label.GROUND, Label.FACADE))
        ratio = panorama.depth[at][solid] / (view.depth[rows, columns].ravel()[solid] * length[solid])
        assert np.median(np.abs(ratio - 1)) < 0.01
        difference = np.abs(panorama.image[at].astype(int) - view.image[rows, columns].reshape(-1, 3))
        assert np.median(difference) <= 5 and difference.mean() < 16


def test_the_view_that_media_cuts_out_of_a_panorama_is_the_pinhole(
    town: Town, spot: tuple[float, float, float]
) -> None:
    """`pano.jpg#yaw=..` of the package means the heading of the town's camera."""
    panorama = town.panorama(spot, MORNING, 1, heading_deg=20.0, width=1600).image
    cut = perspective_view(panorama, yaw=60.0, pitch=5.0, fov=75.0, size=(240, 180)).astype(int)
    right, wrong = (
        town.picture(PinholeCamera(spot, heading, 5.0, 0.0, fov_deg=75.0, **SIZE), MORNING, 1).astype(int)
        for heading in (80.0, 82.0)
    )
    assert np.abs(cut - right).mean() < 0.4 * np.abs(cut - wrong).mean()
    assert np.median(np.abs(cut - right)) <= 3


def test_a_panorama_ray_hits_where_a_pinhole_looks(town: Town, spot: tuple[float, float, float]) -> None:
    """The exact ray of a panorama's pixel, taken by a pinhole turned there: equal range, to float32."""
    camera = PanoramaCamera(spot, 0.0, 256, 128)
    view = town.render(camera, traffic=2)
    for row, column in ((60, 10), (66, 100), (58, 130), (80, 200), (50, 255)):
        heading, pitch = ((column + 0.5) / 256 - 0.5) * 360, 90 - (row + 0.5) / 128 * 180
        pinhole = town.render(PinholeCamera(spot, heading, pitch, 0.0, 33, 33, 20.0), traffic=2)
        assert pinhole.labels[16, 16] == view.labels[row, column]
        if np.isfinite(view.depth[row, column]):
            assert pinhole.depth[16, 16] == pytest.approx(view.depth[row, column], rel=1e-4)
