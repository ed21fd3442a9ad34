"""What error is to be expected, against a thousand draws of noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from ways import bend

from lofivpr.alignment import PlaneMap, expected_rms, fit, fit_floor, solve
from lofivpr.alignment.covariance import design

DRAWS = 1000
LINEAR = {"similarity": [[1.2, -0.7], [0.7, 1.2]], "affine": [[1.2, -0.4], [0.9, 1.6]]}


def drawn_rms(source: np.ndarray, at: np.ndarray, truth: PlaneMap, on_source: float, on_target: float) -> float:
    """Root of the mean squared error of mapped points over DRAWS fits to noisy picks."""
    rng = np.random.default_rng(7)
    target, right, total = truth.apply(source), truth.apply(at), 0.0
    for _ in range(DRAWS):
        picked = source + rng.normal(size=source.shape) * on_source
        found = fit(picked, target + rng.normal(size=target.shape) * on_target, truth.kind)
        total += float(np.mean(np.sum((found.apply(at) - right) ** 2, axis=1)))
    return math.sqrt(total / DRAWS)


@pytest.mark.parametrize("kind", ["similarity", "affine"])
@pytest.mark.parametrize("pairs", [4, 12])
def test_prediction_on_a_walk(kind: str, pairs: int) -> None:
    """Picks along a walk, noise on the plan: within 10 % along the whole walk."""
    way = bend(60)
    at = fit_floor(way).xy(way.positions)
    source = at[np.linspace(3, 50, pairs).astype(int)]
    truth = PlaneMap.of(kind, np.column_stack([LINEAR[kind], [3e5, -2e3]]))
    assert drawn_rms(source, at, truth, 0.0, 0.4) == pytest.approx(expected_rms(source, at, kind, 0.4), rel=0.1)


def test_noise_on_the_trajectory_counts_by_the_scale() -> None:
    way = bend(60)
    at = fit_floor(way).xy(way.positions)
    source = at[::8]
    truth = PlaneMap.of("similarity", np.column_stack([LINEAR["similarity"], [0, 0]]))
    sigma = math.hypot(0.3, truth.scale * 0.2)
    found = drawn_rms(source, at, truth, 0.2, 0.3)
    assert found == pytest.approx(expected_rms(source, at, "similarity", sigma), rel=0.1)


def test_two_opposite_points_by_hand() -> None:
    """A similarity through two points d apart: the middle has sigma^2 / 2 a coordinate, an end sigma^2."""
    source = np.array([[-1.0, 0], [1, 0]])
    assert expected_rms(source, np.array([[0.0, 0]]), "similarity", 1.0) == pytest.approx(1.0)
    assert expected_rms(source, source, "similarity", 1.0) == pytest.approx(math.sqrt(2))
    far = expected_rms(source, np.array([[10.0, 0]]), "similarity", 1.0)
    assert far == pytest.approx(math.sqrt(1 + 100))


@pytest.mark.parametrize("kind", ["similarity", "affine"])
def test_the_design_is_the_derivative(kind: str) -> None:
    rng = np.random.default_rng(0)
    points, parameters = rng.normal(size=(5, 2)), rng.normal(size=6)
    a, b, c, d, *_ = parameters
    rows = [[a, -b, c], [b, a, d]] if kind == "similarity" else parameters.reshape(2, 3)
    used = parameters[:4] if kind == "similarity" else parameters
    assert design(points, kind) @ used == pytest.approx(PlaneMap.of(kind, np.array(rows)).apply(points))


def test_a_solution_predicts_from_its_own_residuals() -> None:
    rng = np.random.default_rng(3)
    source = rng.uniform(-20, 20, size=(30, 2))
    found = solve(source, 2 * source + rng.normal(size=(30, 2)) * 0.5)
    assert found.expected_rms(source) == pytest.approx(expected_rms(source, source, "similarity", found.sigma))
    # The residuals are smaller than the noise, the map's own error far smaller: 4 of 60 degrees of freedom.
    assert found.expected_rms(source) == pytest.approx(0.5 * math.sqrt(2) * math.sqrt(4 / 60), rel=0.25)
