"""Projection against the pinhole formula written out independently; round trips."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.places.town import PanoramaCamera, PinholeCamera

angle = st.floats(-180, 180)
metre = st.floats(-50, 50)


def pinhole(camera: PinholeCamera, point: tuple[float, float, float]) -> tuple[float, float, float]:
    """Column, row and depth by turning the point step by step: heading about z, pitch, then roll."""
    x, y, z = (p - c for p, c in zip(point, camera.position, strict=True))
    h, p, r = (math.radians(a) for a in (camera.heading_deg, camera.pitch_deg, camera.roll_deg))
    # Heading: clockwise from north (y).
    right, forward = x * math.cos(h) - y * math.sin(h), x * math.sin(h) + y * math.cos(h)
    # Pitch: upwards.
    forward, up = forward * math.cos(p) + z * math.sin(p), -forward * math.sin(p) + z * math.cos(p)
    # Roll: the camera turns clockwise, the picture counter-clockwise.
    down = -up
    right, down = right * math.cos(r) + down * math.sin(r), down * math.cos(r) - right * math.sin(r)
    focal = camera.width / 2 / math.tan(math.radians(camera.fov_deg / 2))
    return (
        (camera.width - 1) / 2 + focal * right / forward,
        (camera.height - 1) / 2 + focal * down / forward,
        forward,
    )


@settings(max_examples=60, deadline=None)
@given(point=st.tuples(metre, metre, metre), heading=angle, pitch=st.floats(-60, 60), roll=st.floats(-40, 40))
def test_projection_is_the_pinhole_formula(
    point: tuple[float, float, float], heading: float, pitch: float, roll: float
) -> None:
    camera = PinholeCamera((3.0, -7.0, 1.7), heading, pitch, roll, 480, 360, 75.0)
    pixels, depth = camera.project(np.array([point]))
    offset = np.array(point) - camera.position
    forward = offset @ camera.rotation[2]
    assert depth[0] == pytest.approx(forward)
    if abs(forward) > 0.1:
        expected = pinhole(camera, point)
        assert (pixels[0, 0], pixels[0, 1], depth[0]) == pytest.approx(expected, rel=1e-6, abs=1e-5)


def test_what_is_right_of_the_street_is_right_in_the_picture() -> None:
    camera = PinholeCamera((0, 0, 1.7), 0.0)  # looks north
    pixels, depth = camera.project(np.array([[1.0, 10, 1.7], [0, 10, 2.7], [0, 10, 1.7], [0, -10, 1.7]]))
    assert depth == pytest.approx([10, 10, 10, -10])
    assert pixels[0, 0] > 239.5 and pixels[1, 1] < 179.5
    assert pixels[2] == pytest.approx([239.5, 179.5])
    east, _ = PinholeCamera((0, 0, 1.7), 90.0).project(np.array([[10.0, 0, 1.7]]))
    assert east[0] == pytest.approx([239.5, 179.5])


def test_field_of_view_spans_the_width() -> None:
    camera = PinholeCamera((0, 0, 0), fov_deg=90.0, width=100, height=50)
    pixels, _ = camera.project(np.array([[-1.0, 1, 0], [1, 1, 0]]))
    assert pixels[:, 0] == pytest.approx([-0.5, 99.5])


@settings(max_examples=30, deadline=None)
@given(heading=angle, pitch=st.floats(-80, 80), roll=angle)
def test_rotation_is_one_and_matrix_projects(heading: float, pitch: float, roll: float) -> None:
    camera = PinholeCamera((1, 2, 3), heading, pitch, roll)
    assert camera.rotation @ camera.rotation.T == pytest.approx(np.eye(3), abs=1e-12)
    assert np.linalg.det(camera.rotation) == pytest.approx(1)
    point = np.array(camera.position) + camera.rotation.T @ (0.3, -0.2, 5.0)
    homogeneous = camera.matrix @ camera.rotation @ (point - camera.position)
    assert camera.project(point[None])[0][0] == pytest.approx(homogeneous[:2] / homogeneous[2])


@pytest.mark.parametrize(
    "camera", [PinholeCamera((2, 3, 1.5), 33, 5, 2, 64, 48), PanoramaCamera((2, 3, 1.5), 33, 64, 32)]
)
def test_rays_project_back_to_their_pixels(camera: PinholeCamera | PanoramaCamera) -> None:
    rays = np.stack(camera.rays(), axis=-1).reshape(-1, 3).astype(float)
    pixels, depth = camera.project(np.array(camera.position) + 7.0 * rays)
    rows, columns = np.mgrid[: camera.height, : camera.width]
    expected = np.stack([columns.ravel(), rows.ravel()], axis=1)
    assert pixels == pytest.approx(expected, abs=2e-3)
    assert depth == pytest.approx(7.0, rel=1e-5)


@pytest.mark.parametrize("camera", [PinholeCamera((0, 0, 0), 20, 3, 0, 96, 72), PanoramaCamera((0, 0, 0), 20, 96, 48)])
def test_boxes_hold_every_pixel_of_their_polygon(camera: PinholeCamera | PanoramaCamera) -> None:
    rng = np.random.default_rng(5)
    middle = rng.uniform(-20, 20, (200, 3))
    side, rise = rng.normal(0, 8, (2, 200, 3))
    corners = middle[:, None] + np.stack([0 * side, side, side + rise, rise], axis=1)
    index, boxes = camera.boxes(corners)
    assert len(index) > 30
    for k in range(200):
        a, b = rng.random((2, 400, 1))
        pixels, depth = camera.project(corners[k, 0] + a * side[k] + b * rise[k])
        at = np.rint(pixels[depth > 0.06]).astype(int)
        at = at[((at >= 0) & (at < (camera.width, camera.height))).all(axis=1)]
        mine = boxes[index == k]
        held = np.zeros(len(at), bool)
        for r0, r1, c0, c1 in mine:
            held |= (at[:, 1] >= r0) & (at[:, 1] < r1) & (at[:, 0] >= c0) & (at[:, 0] < c1)
        assert held.all()
