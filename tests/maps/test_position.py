"""Positions against a loop over geodesics, far from any one zone, and with a wrong place among the candidates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.maps.fix import Candidate
from lofivpr.maps.position import degrees_of, estimate, points_of, weights
from lofivpr.places.geodesy import GEOD, LocalFrame, geocentric, geodesic

ORIGINS = [(52.0, 4.3), (52.0, 6.0), (0.0, 180.0), (-16.8, 179.99999), (70.0, 24.0), (-45.0, -180.0), (89.9, 10.0)]


def slow(lat: np.ndarray, lon: np.ndarray, similarity: np.ndarray, within_m: float) -> tuple[float, float, set[int]]:
    """The position of one query, with geodesics and one frame about the best candidate."""
    agree = [k for k in range(len(lat)) if GEOD.inv(lon[0], lat[0], lon[k], lat[k])[2] <= within_m]
    frame = LocalFrame(float(lat[0]), float(lon[0]))
    x = y = total = 0.0
    for k in agree:
        (east, north), background = frame.forward(lat[[k]], lon[[k]])[0], min(similarity)
        span = similarity[0] - background
        weight = 1.0 if k == 0 else (similarity[k] - background) / span if span > 0 else 0.0
        x, y, total = x + weight * east, y + weight * north, total + weight
    found = frame.inverse(np.array([[x / total, y / total]]))[0]
    return float(found[0]), float(found[1]), set(agree)


def scene(origin: tuple[float, float], seed: int, k: int = 8) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    at = LocalFrame(*origin).inverse(rng.uniform(-40, 40, (k, 2)))
    return at[:, 0], at[:, 1], np.sort(rng.uniform(0, 1, k))[::-1].copy()


@pytest.mark.parametrize("origin", ORIGINS)
@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_equals_the_loop_in_every_zone(origin: tuple[float, float], seed: int) -> None:
    lat, lon, similarity = scene(origin, seed)
    found = estimate(geocentric(lat, lon)[None], similarity[None], 25.0)
    expected_lat, expected_lon, agree = slow(lat, lon, similarity, 25.0)
    at = degrees_of(found.points)[0]
    error = geodesic(*(np.array([v]) for v in (*at, expected_lat, expected_lon)))[0]
    assert error < 1e-3 and set(np.flatnonzero(found.agree[0])) == agree


@settings(deadline=None)
@given(seed=st.integers(0, 1000), away=st.floats(26, 2e7))
def test_a_wrong_place_far_away_does_not_move_the_answer(seed: int, away: float) -> None:
    rng = np.random.default_rng(seed)
    points, similarity = rng.uniform(-10, 10, (1, 6, 3)), np.linspace(0.9, 0.3, 6)[None]
    moved = points.copy()
    moved[0, 3] += [away + 20, 0, 0]
    without = np.delete(points, 3, axis=1)
    expected = estimate(without, np.delete(similarity, 3, axis=1), 25.0).points
    np.testing.assert_allclose(estimate(moved, similarity, 25.0).points, expected, atol=1e-9)


def test_the_spread_is_the_weighted_distance_from_the_position() -> None:
    points = np.array([[[0.0, 0, 0], [8.0, 0, 0], [0, 500.0, 0]]])
    found = estimate(points, np.array([[0.9, 0.6, 0.3]]), 25.0)  # weights 1, 1/2 and out
    mean = 8 / 3
    assert found.points[0] == pytest.approx([mean, 0, 0])
    assert found.spread_m[0] == pytest.approx(np.sqrt(2 / 3 * mean**2 + 1 / 3 * (8 - mean) ** 2))


def test_candidates_without_positions_are_passed_over() -> None:
    points = np.full((3, 4, 3), np.nan)
    points[0, 1:3] = [[1.0, 2, 3], [3.0, 2, 3]]  # the best has none
    points[1, 3] = [7.0, 7, 7]  # only the last, which is no more alike than others: it is still all there is
    similarity = np.array([[0.9, 0.8, 0.8, 0.1]] * 3)
    found = estimate(points, similarity, 25.0)
    assert found.points[:2].tolist() == [[2.0, 2, 3], [7.0, 7, 7]]
    assert np.isnan(found.points[2]).all() and np.isnan(found.spread_m[2]) and not found.agree[2].any()


def test_missing_candidates_and_equal_similarities_have_weights() -> None:
    found = weights(np.array([[0.5, 0.3, -np.inf], [0.5, 0.5, np.nan], [0.5, 0.4, 0.3]]))
    np.testing.assert_allclose(found, [[1, 0, 0], [1, 0, 0], [1, 0.5, 0]])


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-90, 90), st.floats(-179.999, 180)), min_size=1, max_size=5))
def test_degrees_survive_the_way_through_metres(at: list[tuple[float, float]]) -> None:
    candidates = [Candidate("r", *pair, None, 0.5, 0) for pair in at] + [Candidate("r", None, None, None, 0.5, 0)]
    points = points_of(candidates)
    assert np.isnan(points[-1]).all()
    back = degrees_of(points[:-1])
    lat, lon = np.array(at).T
    assert geodesic(lat, lon, back[:, 0], back[:, 1]).max() < 1e-4
