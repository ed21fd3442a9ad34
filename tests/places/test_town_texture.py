"""Rip-maps and the atlas: every level is the mean of the base, and a lookup lands where the texture says."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from lofivpr.places.town.texture import LEVELS, Texture, levels, pack

RNG = np.random.default_rng(1)


def lookup(atlas: object, k: int, metres: tuple[float, float], level: tuple[int, int]) -> np.ndarray:
    """Colour at (s, t) metres of texture k at a pair of levels."""
    x = atlas.x[k, level[0]] + metres[0] * atlas.scale_x[k, level[0]]  # type: ignore[attr-defined]
    y = atlas.y[k, level[1]] + metres[1] * atlas.scale_y[k, level[1]]  # type: ignore[attr-defined]
    at = np.full((1, 1), x, np.float32), np.full((1, 1), y, np.float32)
    return cv2.remap(atlas.image, *at, cv2.INTER_LINEAR)[0, 0]  # type: ignore[attr-defined]


def test_base_level_gives_the_texture_back() -> None:
    images = [RNG.integers(0, 255, (h, w, 3), dtype=np.uint8) for h, w in ((24, 40), (64, 32), (17, 33))]
    sizes = [(2.5, 1.5), (2.0, 4.0), (3.3, 1.7)]
    atlas = pack([Texture(i, s) for i, s in zip(images, sizes, strict=True)])
    for k, (image, size) in enumerate(zip(images, sizes, strict=True)):
        h, w = image.shape[:2]
        for row, column in ((0, 0), (h - 1, w - 1), (h // 2, w // 3)):
            # The middle of a pixel in metres; t runs up from the lower edge.
            metres = ((column + 0.5) / w * size[0], (h - row - 0.5) / h * size[1])
            assert np.abs(lookup(atlas, k, metres, (0, 0)).astype(int) - image[row, column]).max() <= 8


@pytest.mark.parametrize("level", [(0, 3), (3, 0), (2, 2), (LEVELS - 1, LEVELS - 1)])
def test_levels_are_means_over_their_cells(level: tuple[int, int]) -> None:
    image = RNG.integers(0, 255, (64, 96, 3), dtype=np.uint8)
    atlas = pack([Texture(image, (3.0, 2.0))])
    w, h = 2 ** level[0], 2 ** level[1]
    for i, j in ((0, 0), (1, 1), (96 // w - 1, 64 // h - 1)):
        cell = image[64 - (j + 1) * h : 64 - j * h, i * w : (i + 1) * w].reshape(-1, 3).mean(axis=0)
        metres = ((i + 0.5) * w / 96 * 3.0, (j + 0.5) * h / 64 * 2.0)
        assert lookup(atlas, 0, metres, level) == pytest.approx(cell, abs=4)


def test_edges_do_not_bleed_and_tiles_wrap() -> None:
    red, blue = (np.full((32, 32, 3), c, np.uint8) for c in ((200, 0, 0), (0, 0, 200)))
    half = np.hstack([red[:, :16], blue[:, :16]])
    atlas = pack([Texture(red, (1, 1)), Texture(blue, (1, 1)), Texture(half, (1, 1), repeat=True)])
    for level in range(LEVELS):
        for corner in ((0, 0), (1, 1), (0, 1), (1, 0)):
            assert lookup(atlas, 0, corner, (level, level)) == pytest.approx([200, 0, 0], abs=1)
            assert lookup(atlas, 1, corner, (level, level)) == pytest.approx([0, 0, 200], abs=1)
    assert lookup(atlas, 2, (0.0, 0.5), (0, 0)) == pytest.approx([100, 0, 100], abs=4)


def test_levels_halve_and_round_up() -> None:
    assert levels(100)[:6] == [100, 50, 25, 13, 7, 4]
    assert levels(1) == [1] * LEVELS
