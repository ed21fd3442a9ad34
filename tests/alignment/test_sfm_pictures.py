"""The rig of slices: its rotations are those by which `perspective_view` cuts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lofivpr.alignment import AlignmentError, SfmOptions
from lofivpr.alignment.sfm_pictures import VIEW_FOV, views_of


@pytest.mark.parametrize("number", range(6))
def test_a_slice_sees_what_its_rotation_says(number: int) -> None:
    """One white spot on a black panorama, found in the slice where the rig's rotation and a pinhole put it."""
    view = views_of(SfmOptions(views=6))[number]
    longitude, latitude = np.radians(view.yaw + 17.0), np.radians(-11.0)
    panorama = np.zeros((512, 1024, 3), np.uint8)
    column = ((longitude / (2 * np.pi) + 0.5) % 1) * 1024 - 0.5
    row = (0.5 - latitude / np.pi) * 512 - 0.5
    panorama[round(row) - 1 : round(row) + 2, np.arange(round(column) - 1, round(column) + 2) % 1024] = 255
    picture = view.cut(panorama, 240).astype(float)[..., 0]
    assert picture.shape == (180, 240)
    rows, columns = np.indices(picture.shape)
    centre = np.array([(columns * picture).sum(), (rows * picture).sum()]) / picture.sum()
    # x right, y down, z forward of the panorama.
    ray = np.array([np.sin(longitude) * np.cos(latitude), -np.sin(latitude), np.cos(longitude) * np.cos(latitude)])
    x, y, z = view.camera_from_rig @ ray
    focal = 120 / np.tan(np.radians(VIEW_FOV / 2))
    assert centre == pytest.approx([119.5 + focal * x / z, 89.5 + focal * y / z], abs=0.6)


def test_a_plain_frame_is_only_shrunk() -> None:
    (view,) = views_of(SfmOptions())
    frame = np.zeros((90, 120, 3), np.uint8)
    assert view.cut(frame, 640) is frame and view.cut(frame, 60).shape == (45, 60, 3)


@pytest.mark.parametrize(
    "options", [{"rate": 0}, {"views": 2}, {"views": 4, "fov": 80}, {"fov": 170}, {"size": 10}, {"overlap": 0}]
)
def test_options_check_themselves(options: dict) -> None:
    with pytest.raises(AlignmentError, match="expected"):
        SfmOptions(**options, mask=Path("m.png"))
