"""Colours on scenes small enough to know the answer: one board, one light."""

from __future__ import annotations

import numpy as np
import pytest

from lofivpr.places.town import Label, Light, PinholeCamera
from lofivpr.places.town.light import Shadows
from lofivpr.places.town.render import paint, survey
from lofivpr.places.town.shade import Scene
from lofivpr.places.town.surfaces import Builder
from lofivpr.places.town.texture import Texture, pack

# Light that leaves a wall facing south as painted: open_ = 0.86 there.
PLAIN = Light("plain", 0, 45, (0, 0, 0), (1 / 0.86,) * 3, (0, 0, 0), (0, 0, 0), haze=0.0, cover=0.0)
OPEN = Shadows(np.full((4, 4), -100, np.float32), (-50.0, -50.0), 25.0)


def board(image: np.ndarray, light: Light = PLAIN, shadows: Shadows = OPEN, repeat: bool = False) -> Scene:
    """A picture of 4 x 3 metres at y = 0, seen from the south; the lower left corner at (-2, 0, 0)."""
    texture = Texture(image, (1.0, 1.0) if repeat else (4.0, 3.0), repeat)
    builder = Builder([texture.size], [repeat])
    builder.rect((-2, 0, 0), (1, 0, 0), (0, 0, 1), (4.0, 3.0), 0, Label.FACADE)
    clouds = np.zeros((8, 8), np.uint8)
    return Scene(builder.surfaces(), builder.balls(), pack([texture]), light, shadows, clouds)


def facing(width: int, height: int, metres: float = 2.0) -> PinholeCamera:
    """Looks at the middle of the board so that it fills the picture exactly."""
    fov = float(np.degrees(2 * np.arctan(2.0 / metres)))
    return PinholeCamera((0, -metres, 1.5), 0.0, 0.0, 0.0, width, height, fov)


@pytest.mark.parametrize("supersample", [1, 2])
def test_a_board_that_fills_the_picture_is_the_picture(supersample: int) -> None:
    image = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
    seen = paint(board(image), facing(64, 48), supersample)
    assert np.abs(seen.astype(int) - image)[1:-1, 1:-1].max() <= 3


def test_far_off_pixels_are_means_of_what_they_cover() -> None:
    image = np.random.default_rng(0).integers(0, 255, (192, 256, 3), dtype=np.uint8)
    seen = paint(board(image), facing(32, 24), 2)
    mean = image.reshape(24, 8, 32, 8, 3).mean(axis=(1, 3))
    assert np.abs(seen - mean)[1:-1, 1:-1].max() <= 3


def test_a_repeating_texture_repeats_every_metre() -> None:
    image = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    seen = paint(board(image, repeat=True), facing(64, 48), 1).astype(int)
    assert np.abs(seen - np.tile(image, (3, 4, 1)))[1:-1, 1:-1].max() <= 4


def test_haze_is_the_law_of_extinction() -> None:
    light = Light("haze", 0, 45, (0, 0, 0), (1 / 0.86,) * 3, (0, 0, 0), (200, 100, 50), haze=0.05, cover=0.0)
    seen = paint(board(np.full((8, 8, 3), 120, np.uint8), light), facing(65, 49, 10.0), 1)
    veil, through = 0.92 * np.array([200, 100, 50]), np.exp(-0.05 * 10.0)
    assert seen[24, 32] == pytest.approx(120 * through + veil * (1 - through), abs=1.5)


def test_sun_by_the_cosine_and_none_in_the_shadow() -> None:
    image = np.full((8, 8, 3), 100, np.uint8)
    light = Light("south", 180, 60, (1, 0.5, 0), (0, 0, 0), (0, 0, 0), (0, 0, 0), haze=0.0, cover=0.0)
    sunny = paint(board(image, light), facing(32, 24), 1)
    assert sunny[12, 16] == pytest.approx([50, 25, 0], abs=1)  # cos of 60 degrees against the wall
    roofed = Shadows(np.full((4, 4), 100, np.float32), (-50.0, -50.0), 25.0)
    assert paint(board(image, light, roofed), facing(32, 24), 1).max() == 0


def test_edges_are_mixed_by_the_share_of_the_pixel() -> None:
    """A board that ends in the middle of a column of pixels: half board, half black sky."""
    scene = board(np.full((8, 8, 3), 200, np.uint8))
    camera = PinholeCamera((2.0, -2.0, 1.5), 0.0, 0.0, 0.0, 33, 25, 90.0)
    seen = paint(scene, camera, 2)
    assert seen[12, 15] == pytest.approx(200, abs=2) and seen[12, 17] == pytest.approx(0, abs=2)
    assert seen[12, 16] == pytest.approx(100, abs=2)
    depth, labels = survey(scene, camera)
    assert depth[12, 10] == pytest.approx(2.0, rel=1e-6) and labels[12, 10] == Label.FACADE
    assert np.isinf(depth[12, 20]) and labels[12, 20] == Label.SKY


def test_the_back_of_a_board_is_not_there() -> None:
    camera = PinholeCamera((0.0, 2.0, 1.5), 180.0, 0.0, 0.0, 32, 24)
    _, labels = survey(board(np.zeros((8, 8, 3), np.uint8)), camera)
    assert (labels == Label.SKY).all()
