"""Light and sampling change the town's colours as written down here, and nothing else."""

from __future__ import annotations

import numpy as np

from lofivpr.places.town import (
    EVENING,
    MORNING,
    OVERCAST,
    Light,
    PinholeCamera,
    Town,
)
from lofivpr.places.town.light import cast as shadows_of
from lofivpr.places.town.surfaces import Balls

SIZE = {"width": 240, "height": 180}


def test_light_changes_colours_and_nothing_else(town: Town, spot: tuple[float, float, float]) -> None:
    camera = PinholeCamera(spot, 30.0, 4.0, 0.0, **SIZE)
    views = [town.render(camera, light, 1) for light in (MORNING, EVENING, OVERCAST)]
    for other in views[1:]:
        assert np.array_equal(views[0].labels, other.labels) and np.array_equal(views[0].depth, other.depth)
        assert np.abs(views[0].image.astype(int) - other.image).mean() > 8


def test_shadow_falls_away_from_the_sun(town: Town) -> None:
    """A plain box of 10 m under a sun in the south at 45 degrees: shade 10 m to the north, light to the south."""
    none = Balls(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 3)))
    light = Light("south", 180, 45, (1, 1, 1), (1, 1, 1), (0, 0, 0), (0, 0, 0))
    shadows = shadows_of((100.0, 100.0), np.array([[40.0, 40, 60, 60, 10]]), np.zeros((0, 4)), none, light)

    def lit(x: float, y: float, z: float) -> float:
        return float(shadows.lit(*(np.full((1, 1), v, np.float32) for v in (x, y, z)))[0, 0])

    # Half a metre above the ground: the renderer asks a little way towards the sun.
    assert lit(50, 65, 0.5) == 0 and lit(50, 68.5, 0.5) == 0
    assert lit(50, 71, 0.5) == 1 and lit(50, 35, 0.5) == 1 and lit(35, 65, 0.5) == 1
    assert lit(50, 65, 6) == 1 and lit(50, 65, 4) == 0  # the shadow's upper edge is 5 m high, 5 m behind


def test_supersampling_smooths_edges_without_moving_them(town: Town, spot: tuple[float, float, float]) -> None:
    camera = PinholeCamera(spot, 30.0, 4.0, 0.0, **SIZE)
    one, two, four = (town.picture(camera, supersample=n).astype(int) for n in (1, 2, 4))
    assert np.abs(two - four).mean() < np.abs(one - four).mean()
    assert np.abs(two.mean(axis=(0, 1)) - four.mean(axis=(0, 1))).max() < 1.0
