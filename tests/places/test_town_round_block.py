"""A walk round a block stays on the street, looks ahead, and closes; the plan shows where it went."""

from __future__ import annotations

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.places.geodesy import heading_difference
from lofivpr.places.town import draw_plan, round_block
from lofivpr.places.town.scene import make_layout
from lofivpr.places.town.street_plan import STREET

LAYOUT = make_layout(0, 1, 1, 2)


def test_a_walk_round_a_block() -> None:
    block = LAYOUT.blocks[0]
    positions, headings = round_block(LAYOUT, block, step=0.25)
    x, y = positions[:, 0], positions[:, 1]
    assert not ((x > block.x0) & (x < block.x1) & (y > block.y0) & (y < block.y1)).any()
    steps = np.diff(positions[:, :2], axis=0)
    assert np.abs(np.linalg.norm(steps, axis=1) - 0.25).max() < 0.03
    ahead = np.degrees(np.arctan2(steps[:, 0], steps[:, 1]))
    assert heading_difference(headings[:-1], ahead).max() < 14  # a sway, and half a step of the bend
    turned = np.cumsum((np.diff(ahead) + 180) % 360 - 180)
    assert turned[-1] == pytest.approx(-360, abs=30)  # against the clock
    once = len(positions) - 48  # 12 m more than once round
    assert np.linalg.norm(positions[once, :2] - positions[0, :2]) < 0.6


def test_the_walk_is_on_the_streets_of_the_plan() -> None:
    image, scale = draw_plan(LAYOUT, 0.2), 0.2
    positions, _ = round_block(LAYOUT, LAYOUT.blocks[0])
    rows, columns = image.shape[0] - positions[:, 1] / scale, positions[:, 0] / scale
    assert (image[rows.astype(int), columns.astype(int)] == STREET).all()
    assert image.shape[:2] == (round(LAYOUT.size[1] / scale), round(LAYOUT.size[0] / scale))


def test_what_cannot_be_is_refused() -> None:
    for block, step in ((LAYOUT.blocks[-1], 1.0), (LAYOUT.blocks[0], 0.0)):
        with pytest.raises(LofiError, match="expected"):
            round_block(LAYOUT, block, step)
    with pytest.raises(LofiError, match="pixels"):
        draw_plan(LAYOUT, 0)
