"""Pictures with edges, gradients and texture, so that codecs have something to do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest


def scene(width: int, height: int, seed: int = 0) -> np.ndarray:
    """uint8 height x width x 3: smooth noise with rectangles."""
    rng = np.random.default_rng(seed)
    light, tint = rng.normal(size=(height, width, 1)), rng.normal(size=(height, width, 3))
    noise = cv2.GaussianBlur(light, (0, 0), 2)[:, :, None] + cv2.GaussianBlur(tint, (0, 0), 8)
    image = cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    for _ in range(12):
        x, y = int(rng.integers(width)), int(rng.integers(height))
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        cv2.rectangle(image, (x, y), (x + width // 5, y + height // 5), colour, -1)
    return image


@pytest.fixture(scope="session")
def picture() -> np.ndarray:
    return scene(160, 120)


@pytest.fixture(scope="session")
def odd_picture() -> np.ndarray:
    return scene(161, 91, seed=1)


@pytest.fixture(scope="session")
def moving() -> list[np.ndarray]:
    """70 frames of a camera that pans over a scene."""
    wide = scene(400, 120, seed=2)
    return [np.ascontiguousarray(wide[:, 2 * i : 2 * i + 160]) for i in range(70)]
