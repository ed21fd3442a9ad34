from __future__ import annotations

import math
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.media import BadImageError, perspective_view
from lofivpr.media.panorama import _directions, default_size


def sphere(height: int = 512) -> np.ndarray:
    """A panorama whose colour is the direction: (x + 1) * 127.5 and so on; x right, y up, z forward."""
    latitude = math.pi / 2 - (np.arange(height)[:, None] + 0.5) / height * math.pi
    longitude = (np.arange(2 * height)[None, :] + 0.5) / (2 * height) * 2 * math.pi - math.pi
    x = np.cos(latitude) * np.sin(longitude)
    y = np.sin(latitude) + 0 * longitude
    z = np.cos(latitude) * np.cos(longitude)
    return np.rint((np.stack([x, y, z], 2) + 1) * 127.5).astype(np.uint8)


def direction(width: int, height: int, u: int, v: int, yaw: float, pitch: float, fov: float) -> np.ndarray:
    """Direction of pixel (u, v) by two rotation matrices."""
    focal = width / 2 / math.tan(math.radians(fov) / 2)
    ray = np.array([(u + 0.5 - width / 2) / focal, -(v + 0.5 - height / 2) / focal, 1.0])
    a, b = math.radians(pitch), math.radians(yaw)
    tilt = np.array([[1, 0, 0], [0, math.cos(a), math.sin(a)], [0, -math.sin(a), math.cos(a)]])
    turn = np.array([[math.cos(b), 0, math.sin(b)], [0, 1, 0], [-math.sin(b), 0, math.cos(b)]])
    return turn @ tilt @ (ray / np.linalg.norm(ray))


PANORAMA = sphere()


@settings(max_examples=40, deadline=None)
@given(st.floats(-400, 400), st.floats(-90, 90), st.floats(20, 140), st.integers(0, 63), st.integers(0, 47))
def test_every_pixel_looks_where_a_pinhole_camera_looks(yaw: float, pitch: float, fov: float, u: int, v: int) -> None:
    view = perspective_view(PANORAMA, yaw, pitch, fov, size=(64, 48))
    expected = (direction(64, 48, u, v, yaw, pitch, fov) + 1) * 127.5
    assert np.abs(view[v, u] - expected).max() < 3


def test_yaw_goes_right_and_pitch_goes_up() -> None:
    ahead = perspective_view(PANORAMA, 0, 0, 90, (65, 49))[24, 32]
    right = perspective_view(PANORAMA, 90, 0, 90, (65, 49))[24, 32]
    above = perspective_view(PANORAMA, 0, 60, 90, (65, 49))[24, 32]
    assert ahead[2] > 250 and right[0] > 250 and above[1] > 230


@pytest.mark.parametrize(("yaw", "pitch"), [(180, 0), (179.3, 12), (30, 90), (0, -90), (-100, 84)])
def test_pixels_are_bilinear_across_the_seam_and_at_the_poles(yaw: float, pitch: float) -> None:
    """On noise, one wrong neighbour shows: columns wrap round, rows end at the poles."""
    noise = np.random.default_rng(0).integers(0, 256, (32, 64, 3), dtype=np.uint8)
    view = perspective_view(noise, yaw, pitch, 70, (40, 30))
    for v in range(30):
        for u in range(40):
            x, y, z = direction(40, 30, u, v, yaw, pitch, 70)
            column = (math.atan2(x, z) / (2 * math.pi) + 0.5) * 64 - 0.5
            row = min(max((0.5 - math.asin(max(-1, min(1, y))) / math.pi) * 32 - 0.5, 0), 31)
            left, top = math.floor(column), min(math.floor(row), 30)
            part = noise[[top, top + 1]][:, [left % 64, (left + 1) % 64]].astype(float)
            across = part[:, 0] * (1 - column + left) + part[:, 1] * (column - left)
            expected = across[0] * (1 - row + top) + across[1] * (row - top)
            assert np.abs(view[v, u] - expected).max() < 10  # OpenCV rounds positions to 1/32 pixel


def test_views_side_by_side_meet() -> None:
    left = perspective_view(PANORAMA, -45, 0, 90, (200, 150))
    right = perspective_view(PANORAMA, 45, 0, 90, (200, 150))
    assert np.abs(left[75, -1].astype(int) - right[75, 0]).max() < 5


@given(st.integers(8, 8000), st.floats(10, 150))
def test_the_default_size_does_not_enlarge(width: int, fov: float) -> None:
    out_width, out_height = default_size(width, fov)
    assert out_width % 2 == out_height % 2 == 0
    focal = out_width / 2 / math.tan(math.radians(fov) / 2)
    if out_width > 50:
        assert focal == pytest.approx(width / (2 * math.pi), rel=0.03)  # pixels per radian in the middle
        assert out_width / out_height == pytest.approx(4 / 3, rel=0.06)


def test_only_panoramas_have_views() -> None:
    with pytest.raises(BadImageError, match="twice as wide as high.*640 x 480"):
        perspective_view(np.zeros((480, 640, 3), np.uint8), 0)


def v360(panorama: np.ndarray, yaw: float, pitch: float, fov: float, size: tuple[int, int]) -> np.ndarray:
    """The same view by FFmpeg's filter, which its authors wrote without knowing of this package."""
    width, height = size
    vertical = 2 * math.degrees(math.atan(height / width * math.tan(math.radians(fov) / 2)))
    graph = av.filter.Graph()
    source = graph.add_buffer(width=panorama.shape[1], height=panorama.shape[0], format="gbrp", time_base=Fraction(1))
    angles = f"yaw={yaw}:pitch={pitch}:h_fov={fov}:v_fov={vertical}:w={width}:h={height}"
    view = graph.add("v360", f"input=e:output=flat:interp=linear:{angles}")
    sink = graph.add("buffersink")
    source.link_to(view)
    view.link_to(sink)
    graph.configure()
    graph.push(av.VideoFrame.from_ndarray(panorama, format="rgb24").reformat(format="gbrp"))
    return graph.pull().to_ndarray(format="rgb24")


@pytest.mark.parametrize(
    ("yaw", "pitch", "fov", "size"),
    [(0, 0, 90, (120, 90)), (40, 10, 90, (160, 90)), (-170, -25, 60, (90, 90)), (179, 60, 120, (64, 48))],
)
def test_rays_are_those_of_ffmpeg(yaw: float, pitch: float, fov: float, size: tuple[int, int]) -> None:
    """Angles, axes and field of view mean the same.

    But FFmpeg lays the circle over the centres of the first and last column, and so is half a pixel off at the seam
    and a pixel short around it; on that grid the two agree to one level.
    """
    noise = np.random.default_rng(1).integers(0, 256, (24, 48, 3), dtype=np.uint8)
    panorama = cv2.resize(noise, (512, 256), interpolation=cv2.INTER_CUBIC)
    longitude, latitude = _directions(*size, pitch, fov)
    turned = (longitude + math.radians(yaw) + math.pi) % (2 * math.pi)
    x, y = turned / (2 * math.pi) * 511, (0.5 - latitude / math.pi) * 255
    ours = cv2.remap(panorama, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR).astype(int)
    theirs = v360(panorama, yaw, pitch, fov, size)
    assert np.percentile(np.abs(ours - theirs), 99) <= 1 and np.abs(ours - theirs).mean() < 0.6
    assert np.abs(perspective_view(panorama, yaw, pitch, fov, size).astype(int) - theirs).mean() < 5


def test_maps_that_are_kept_belong_to_their_view() -> None:
    panorama = np.random.default_rng(2).integers(0, 256, (64, 128, 3), dtype=np.uint8)
    angles = [(0, 0, 90), (40, 0, 90), (0, 20, 90), (0, 0, 60), (40, 20, 60), (-320, 0, 90)]
    first = [perspective_view(panorama, *one, (40, 30)) for one in angles]
    again = [perspective_view(panorama, *one, (40, 30)) for one in reversed(angles)][::-1]
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert np.array_equal(first[1], first[5]) and len({image.tobytes() for image in first}) == 5
    assert perspective_view(panorama[::2, ::2], 0, 0, 90, (40, 30)).shape == (30, 40, 3)
