"""Shares of heat against sums over pixels."""

from __future__ import annotations

import numpy as np
import pytest

from lofivpr.evaluation.heat_share import cells_of, coverage, heat_share, mean_share, share_difference


@pytest.mark.parametrize("shape", [(4, 6), (5, 7), (12, 18)])
def test_a_share_is_the_sum_over_pixels_of_the_spread_heat(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    part = rng.random((60, 84)) > 0.6
    heat = rng.random(shape)
    # On a grid that both divide, each pixel carries its part of its cell's heat.
    fine = np.kron(part, np.ones((shape[0], shape[1])))
    spread = np.kron(heat, np.ones((60, 84)))
    expected = (spread * fine).sum() / spread.sum()
    assert heat_share(heat, coverage(part, shape)) == pytest.approx(expected, abs=1e-6)
    assert coverage(part, shape).mean() == pytest.approx(part.mean())


def test_even_heat_has_the_share_of_the_area_and_none_has_no_share() -> None:
    part = np.zeros((48, 64), bool)
    part[:12] = True
    assert heat_share(np.ones((5, 7)), coverage(part, (5, 7))) == pytest.approx(0.25)
    assert np.isnan(heat_share(np.zeros((5, 7)), coverage(part, (5, 7))))
    hot = np.zeros((4, 4))
    hot[0] = 2.0
    assert heat_share(hot, coverage(part, hot.shape)) == pytest.approx(1.0)
    assert heat_share(hot[::-1], coverage(part, hot.shape)) == 0


def test_points_fall_into_the_cells_that_hold_them() -> None:
    rng = np.random.default_rng(1)
    points = rng.random((50, 2)) * [319, 239]
    cells = cells_of(points, (320, 240), (7, 10))
    expected = np.zeros((7, 10), bool)
    for x, y in points:
        expected[int((y + 0.5) // (240 / 7)), int((x + 0.5) // 32)] = True
    assert np.array_equal(cells, expected) and 0 < cells.sum() < 70
    corner = cells_of(np.array([[319.4, 239.4], [-0.4, -0.4]]), (320, 240), (7, 10))
    assert corner[6, 9] and corner[0, 0] and corner.sum() == 2
    assert not cells_of(np.zeros((0, 2)), (320, 240), (7, 10)).any()


def test_a_mean_is_over_the_pictures_that_have_the_part_with_an_interval_over_groups() -> None:
    shares = np.array([0.5, 0.7, np.nan, 0.2, 0.4])
    areas = np.array([0.3, 0.3, np.nan, 0.1, 0.1])
    groups = np.array([0, 0, 1, 2, 2])
    found = mean_share(shares, areas, groups)
    assert found is not None and found.pictures == 4
    assert found.mean == pytest.approx(45) and found.area == pytest.approx(20)
    # Two groups, means 0.6 and 0.3: of the draws a quarter has both from one of them.
    assert found.low == pytest.approx(30) and found.high == pytest.approx(60)
    assert mean_share(np.full(3, np.nan), np.full(3, 0.1), np.arange(3)) is None


def test_a_difference_is_over_the_pictures_that_both_have() -> None:
    a = np.array([0.5, 0.7, np.nan, 0.9])
    b = np.array([0.4, 0.4, 0.1, np.nan])
    change = share_difference(a, b, np.array([0, 1, 2, 3]))
    assert change is not None and change.mean == pytest.approx(20)
    assert (change.low, change.high) == (pytest.approx(10), pytest.approx(30)) and change.clear
    assert share_difference(a, np.full(4, np.nan), np.arange(4)) is None
