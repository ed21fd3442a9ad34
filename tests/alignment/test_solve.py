"""The solver against a slow search, and by its properties."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from lofivpr.alignment import AlignmentError, PlaneMap, fit, solve, umeyama
from lofivpr.alignment.solve import agreeing

KINDS = ("similarity", "affine")
seeds = st.integers(0, 100_000)


def random_map(kind: str, rng: np.random.Generator) -> PlaneMap:
    angle, scale = rng.uniform(0, 2 * math.pi), 10 ** rng.uniform(-2, 2)
    linear = scale * np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    if kind == "affine":
        linear = linear @ np.array([[1.0, rng.uniform(-0.5, 0.5)], [0.0, rng.uniform(0.5, 2)]])
    return PlaneMap.of(kind, np.column_stack([linear, rng.uniform(-1e5, 1e5, 2)]))


def slow_fit(source: np.ndarray, target: np.ndarray, kind: str, start: PlaneMap) -> np.ndarray:
    """The map by minimising the sum of squares over its parameters, from `start`."""

    def rows(p: np.ndarray) -> np.ndarray:
        return np.array([[p[0], -p[1], p[2]], [p[1], p[0], p[3]]] if kind == "similarity" else p.reshape(2, 3))

    def off(p: np.ndarray) -> np.ndarray:
        return np.concatenate([rows(p)[:, :2] @ a + rows(p)[:, 2] - b for a, b in zip(source, target, strict=True)])

    given_rows = np.array(start.rows)
    first = given_rows[[0, 1, 0, 1], [0, 0, 2, 2]] if kind == "similarity" else given_rows.ravel()
    return rows(least_squares(off, first, method="lm", xtol=1e-14, ftol=1e-14).x)


@settings(deadline=None)
@given(seed=seeds, kind=st.sampled_from(KINDS))
def test_an_exact_map_comes_back(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    truth = random_map(kind, rng)
    source = rng.normal(size=(int(rng.integers(4, 12)), 2))
    found = solve(source, truth.apply(source), kind)
    assert np.allclose(found.plane_map.rows, truth.rows, rtol=1e-6, atol=1e-6)
    assert found.rms < 1e-9 * (1e5 + truth.scale) and found.used.all()


@settings(deadline=None, max_examples=30)
@given(seed=seeds, kind=st.sampled_from(KINDS))
def test_no_other_map_is_nearer(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(6, 2)), rng.normal(size=(6, 2))
    found = fit(source, target, kind)
    assert np.allclose(found.rows, slow_fit(source, target, kind, found), atol=1e-5)
    best = np.sum((found.apply(source) - target) ** 2)
    for _ in range(20):
        nudge = rng.normal(size=(2, 3)) * 0.01
        if kind == "similarity":
            a, b, c, d = nudge.ravel()[:4]
            nudge = np.array([[a, -b, c], [b, a, d]])
        other = PlaneMap.of(kind, np.array(found.rows) + nudge)
        assert np.sum((other.apply(source) - target) ** 2) >= best


@settings(deadline=None)
@given(seed=seeds, kind=st.sampled_from(KINDS))
def test_the_target_may_be_turned_and_the_order_does_not_matter(seed: int, kind: str) -> None:
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(7, 2)), rng.normal(size=(7, 2))
    turn = random_map("similarity", rng)
    before, after = solve(source, target, kind), solve(source, turn.apply(target), kind)
    assert after.plane_map.apply(source) == pytest.approx(
        turn.apply(before.plane_map.apply(source)), abs=1e-6, rel=1e-6
    )
    assert after.residuals == pytest.approx(turn.scale * before.residuals, rel=1e-5, abs=1e-8)
    order = rng.permutation(7)
    assert np.allclose(solve(source[order], target[order], kind).plane_map.rows, before.plane_map.rows)


def test_umeyama_in_three_dimensions() -> None:
    rng = np.random.default_rng(0)
    turn, shift, points = Rotation.random(rng=rng), rng.normal(size=3), rng.normal(size=(9, 3))
    scale, rotation, moved = umeyama(points, 2.5 * turn.apply(points) + shift)
    assert scale == pytest.approx(2.5) and rotation == pytest.approx(turn.as_matrix()) and moved == pytest.approx(shift)
    mirrored = points * [1, 1, -1]
    assert np.linalg.det(umeyama(points, mirrored)[1]) == pytest.approx(1)


def test_a_mirror_is_told_by_an_affine_map_and_not_made_by_a_similarity() -> None:
    source = np.array([[0, 0], [4, 0], [0, 3], [5, 5.0]])
    assert solve(source, source * [1, -1], "affine").plane_map.mirrored
    assert not solve(source, source * [1, -1], "similarity").plane_map.mirrored


def test_scale_turn_and_headings() -> None:
    """A quarter turn to the left and twice as large: what looked along x looks along y, to the plan's top."""
    plane_map = fit(np.array([[0, 0], [1, 0.0]]), np.array([[5, 5], [5, 7.0]]), "similarity")
    assert plane_map.scale == pytest.approx(2) and plane_map.rotation_deg == pytest.approx(90)
    found = plane_map.headings(np.array([[1, 0], [0, 1], [-1, 0], [np.nan, np.nan]]))
    assert found[:3] % 360 == pytest.approx([0, 270, 180], abs=1e-9) and np.isnan(found[3])


@settings(deadline=None, max_examples=40)
@given(seed=seeds, kind=st.sampled_from(KINDS), wrong=st.integers(1, 4))
def test_wrong_pairs_are_found(seed: int, kind: str, wrong: int) -> None:
    rng = np.random.default_rng(seed)
    truth = random_map(kind, rng)
    source = rng.uniform(-10, 10, size=(12, 2))
    noise = 0.01 * truth.scale
    target = truth.apply(source) + rng.uniform(-noise, noise, size=(12, 2))
    angle = rng.uniform(0, 2 * math.pi, wrong)
    target[:wrong] += 5 * truth.scale * np.column_stack([np.cos(angle), np.sin(angle)]) * rng.uniform(1, 3, (wrong, 1))
    found = solve(source, target, kind, within=5 * noise)
    assert found.used.tolist() == [False] * wrong + [True] * (12 - wrong)
    clean = solve(source[wrong:], target[wrong:], kind)
    assert np.allclose(found.plane_map.rows, clean.plane_map.rows) and found.rms == pytest.approx(clean.rms)
    assert (found.residuals[:wrong] > found.residuals[wrong:].max()).all()


def test_many_pairs_are_drawn_by_chance_and_the_same_each_time() -> None:
    rng = np.random.default_rng(5)
    source = rng.uniform(-10, 10, size=(60, 2))
    target = source * 3 + rng.normal(size=(60, 2)) * 0.02
    target[:20] = rng.uniform(-30, 30, size=(20, 2))
    used = [agreeing(source, target, "affine", 0.15) for _ in range(2)]
    assert (used[0] == used[1]).all() and used[0][20:].all() and used[0][:20].sum() <= 1


def test_noise_is_estimated() -> None:
    """Over many draws the mean of sigma squared is that of the noise, for few pairs too: no bias by the fit."""
    rng = np.random.default_rng(2)
    source = rng.uniform(-5, 5, size=(5, 2))
    for kind in KINDS:
        found = [solve(source, source + rng.normal(size=(5, 2)) * 0.3, kind).sigma for _ in range(2000)]
        assert math.sqrt(np.mean(np.square(found))) == pytest.approx(0.3, rel=0.03)
    assert math.isnan(solve(source[:2], source[:2] * 2).sigma)


CASES = [
    ([[0, 0]], [[0, 0]], "similarity", "at least 2 pairs"),
    ([[0, 0], [1, 0]], [[0, 0], [1, 0]], "affine", "at least 3 pairs"),
    ([[1, 1], [1, 1]], [[0, 0], [1, 0]], "similarity", "apart"),
    ([[0, 0], [1, 0]], [[3, 3], [3, 3]], "similarity", "apart"),
    ([[0, 0], [1, 1], [2, 2]], [[0, 0], [1, 0], [0, 1]], "affine", "almost on a line"),
    ([[0, 0], [1, 0], [0, 1]], [[0, 0], [1, 1], [2, 2]], "affine", "almost on a line"),
    ([[0, 0], [1, np.nan]], [[0, 0], [1, 0]], "similarity", "finite"),
    ([[0, 0], [1, 0], [2, 0]], [[0, 0], [1, 0]], "similarity", "3 and 2"),
]


@pytest.mark.parametrize(("source", "target", "kind", "words"), CASES)
def test_points_that_fix_no_map_are_refused(source: list, target: list, kind: str, words: str) -> None:
    with pytest.raises(AlignmentError, match=words):
        solve(np.array(source, float), np.array(target, float), kind)


def test_pairs_that_do_not_agree_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(AlignmentError, match="that agree to 0.001"):
        solve(rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), within=0.001)
    with pytest.raises(AlignmentError, match="positive distance"):
        solve(rng.normal(size=(6, 2)), rng.normal(size=(6, 2)), within=0)


def test_the_pairs_used_are_those_that_agree_with_their_own_map() -> None:
    """Not only with the map of the few pairs that RANSAC drew."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        source = rng.uniform(-10, 10, size=(14, 2))
        target = source + rng.normal(size=(14, 2)) * 0.3
        target[:2] += 8
        found = solve(source, target, within=0.7)
        assert (found.used == (found.residuals <= 0.7)).all()
