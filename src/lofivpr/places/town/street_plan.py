"""The town drawn as a plan, as a city map or the floor plan of a house would be."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lofivpr.errors import LofiError
from lofivpr.places.town.scene import Layout

STREET, HOUSES, PARK, EDGE = (250, 249, 246), (221, 216, 207), (205, 222, 190), (120, 112, 100)  # RGB
FRACTION = 4  # binary digits of a pixel that OpenCV's drawing takes


def draw_plan(layout: Layout, metres_per_pixel: float = 0.2) -> NDArray[np.uint8]:
    """The plan from above, north at the top, uint8 H x W x 3 RGB: streets white, houses grey, parks green.

    Its lower left corner is the town's corner (0, 0); pixels are squares of `metres_per_pixel`.

    Raises:
        LofiError: a scale at which the plan would not be drawn.
    """
    width, height = (round(metres / metres_per_pixel) if metres_per_pixel > 0 else 0 for metres in layout.size)
    if not 16 <= min(width, height) <= max(width, height) <= 20_000:
        raise LofiError(f"expected a plan of 16 to 20000 pixels a side, found {metres_per_pixel} m a pixel.")
    image = np.full((height, width, 3), STREET, np.uint8)
    for block in layout.blocks:
        corners = [(block.x0, block.y0), (block.x1, block.y1)]
        low, high = ((x / metres_per_pixel - 0.5, height - y / metres_per_pixel - 0.5) for x, y in corners)
        first, last = ([round(value * 2**FRACTION) for value in corner] for corner in (low, high))
        for colour, thickness in ((PARK if block.park else HOUSES, cv2.FILLED), (EDGE, 2)):
            cv2.rectangle(image, first, last, colour, thickness, cv2.LINE_AA, FRACTION)
    return image
