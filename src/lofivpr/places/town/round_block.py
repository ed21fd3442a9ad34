"""A walk round a block of the town, with exact poses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lofivpr.errors import LofiError
from lofivpr.places.town.scene import Block, Layout
from lofivpr.places.town.town import EYE

CORNER = 3.0  # metres: radius of the turns
ASIDE = 3.0  # metres between the kerb of the block and the walk

Floats = NDArray[np.float64]


def round_block(layout: Layout, block: Block, step: float = 0.7, length: float | None = None) -> tuple[Floats, Floats]:
    """Positions and headings of a walk on the streets round a block, against the clock, from its south side.

    The walker turns along arcs and sways a little.

    Args:
        step: metres between two positions.
        length: metres of the walk; by default once round and a little further, so that the ends overlap.

    Returns:
        Positions N x 3 in metres of the town, and headings N in degrees clockwise from north.

    Raises:
        LofiError: a step that is not positive, or a block without a street on every side.
    """
    if not step > 0 or (length is not None and not length > step):
        raise LofiError(f"expected a positive step and a longer walk, found {step} and {length}.")
    width, height = layout.size
    if min(block.x0, block.y0) < ASIDE or block.x1 > width - ASIDE or block.y1 > height - ASIDE:
        raise LofiError(f"expected a block within the town of {width:.0f} x {height:.0f} m, found {block}.")
    sides = (block.x1 - block.x0 + 2 * ASIDE - 2 * CORNER, block.y1 - block.y0 + 2 * ASIDE - 2 * CORNER)
    around = 2 * sum(sides) + 2 * np.pi * CORNER
    gone = np.arange(0.0, length or around + 12.0, step)
    xy, heading = _at(gone % around, block, sides)
    sway = 0.12 * np.sin(gone * 1.3)
    right = np.column_stack([np.cos(np.radians(heading)), -np.sin(np.radians(heading))])
    z = EYE + 0.02 * np.sin(gone * 4.1)
    return np.column_stack([xy + sway[:, None] * right, z]), (heading + 2.0 * np.sin(gone * 0.9)) % 360


def _at(gone: Floats, block: Block, sides: tuple[float, float]) -> tuple[Floats, Floats]:
    """Point and heading after so many metres: a straight side, then a quarter of a circle, four times."""
    xy, heading = np.empty((len(gone), 2)), np.empty(len(gone))
    start = np.array([block.x0 - ASIDE + CORNER, block.y0 - ASIDE])
    left = gone.copy()
    open_ = np.ones(len(gone), bool)
    for side in range(4):
        ahead = np.array([(1, 0), (0, 1), (-1, 0), (0, -1)][side], float)
        inward = np.array([-ahead[1], ahead[0]])
        straight, arc = sides[side % 2], np.pi / 2 * CORNER
        on = open_ & (left < straight)
        xy[on], heading[on] = start + left[on, None] * ahead, 90.0 - 90.0 * side
        bend = open_ & ~on & (left < straight + arc)
        angle = (left[bend] - straight) / CORNER
        corner = start + straight * ahead
        xy[bend] = corner + CORNER * (np.sin(angle)[:, None] * ahead + (1 - np.cos(angle))[:, None] * inward)
        heading[bend] = 90.0 - 90.0 * side - np.degrees(angle)
        start = corner + CORNER * (ahead + inward)
        open_ &= ~(on | bend)
        left -= straight + arc
    return xy, heading % 360
