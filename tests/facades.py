"""Made-up facades, and how they look from another side: for tests of local features."""

from __future__ import annotations

import cv2
import numpy as np

SEEN_ASIDE = np.array([[0.9, 0.05, 12.0], [-0.03, 0.95, 8.0], [2e-4, 1e-4, 1.0]])
"""The homography from a facade to `aside` of it."""


def facade(seed: int) -> np.ndarray:
    """A wall of random rectangles, uint8 240 x 320 x 3."""
    rng = np.random.default_rng(seed)
    image = np.full((240, 320, 3), 128, np.uint8)
    for _ in range(120):
        x, y, w, h = rng.integers(0, 300), rng.integers(0, 220), rng.integers(6, 40), rng.integers(6, 40)
        cv2.rectangle(image, (int(x), int(y)), (int(x + w), int(y + h)), rng.integers(0, 255, 3).tolist(), -1)
    return image


def aside(image: np.ndarray) -> np.ndarray:
    """A facade seen from the side, of the same size."""
    return cv2.warpPerspective(image, SEEN_ASIDE, (320, 240), borderMode=cv2.BORDER_REFLECT)
