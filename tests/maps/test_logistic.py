"""The logistic fit against a general optimiser, and calibration error against a loop."""

from __future__ import annotations

import json

import numpy as np
import pytest
from scipy.optimize import minimize

from lofivpr.errors import LofiError
from lofivpr.maps.logistic import Logistic, Reliability, fit_logistic, reliability


def sample(seed: int, n: int = 300) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    values = rng.normal([5, -2, 0], [3, 0.1, 1], (n, 3))
    chance = 1 / (1 + np.exp(-(0.5 + (values[:, 0] - 5) - 8 * (values[:, 1] + 2))))
    return values, rng.uniform(size=n) < chance


@pytest.mark.parametrize("ridge", [0.3, 1.0, 30.0])
def test_is_the_minimum_of_the_penalised_likelihood(ridge: float) -> None:
    values, right = sample(1)
    standard = (values - values.mean(axis=0)) / values.std(axis=0)

    def loss(beta: np.ndarray) -> float:
        total = ridge / 2 * sum(w * w for w in beta[1:])
        for x, y in zip(standard, right, strict=True):
            p = 1 / (1 + np.exp(-(beta[0] + beta[1:] @ x)))
            total -= np.log(p if y else 1 - p)
        return float(total)

    found = fit_logistic(values, right, ridge)
    expected = minimize(loss, np.zeros(4), method="BFGS", options={"gtol": 1e-5}).x
    np.testing.assert_allclose([found.intercept, *found.weights], expected, atol=1e-4)
    chance = 1 / (1 + np.exp(-(found.intercept + standard @ np.array(found.weights))))
    np.testing.assert_allclose(found.probability(values), chance)


def test_weights_stay_finite_where_right_and_wrong_fall_apart() -> None:
    values = np.linspace(-1, 1, 40)[:, None]
    found = fit_logistic(values, values[:, 0] > 0)
    assert 0 < found.weights[0] < 50
    said = found.probability(values)
    assert (np.diff(said) > 0).all() and said[0] < 0.05 and said[-1] > 0.95


def test_a_column_that_does_not_vary_says_nothing() -> None:
    values, right = sample(2)
    constant = np.column_stack((values, np.full(len(values), 7.0)))
    found = fit_logistic(constant, right)
    assert found.weights[3] == pytest.approx(0)
    np.testing.assert_allclose(found.weights[:3], fit_logistic(values, right).weights, atol=1e-6)
    moved = constant + [0, 0, 0, 5]  # a quality that was not there when fitting must not upset what was
    np.testing.assert_allclose(found.probability(moved), found.probability(constant), atol=1e-6)


@pytest.mark.parametrize(("right", "expected"), [(True, 5.5 / 6), (False, 0.5 / 6)])
def test_where_all_are_alike_the_columns_say_nothing(right: bool, expected: float) -> None:
    values = np.random.default_rng(0).normal(size=(5, 2))
    assert fit_logistic(values, np.full(5, right)).probability(values * 9).tolist() == pytest.approx([expected] * 5)
    with pytest.raises(LofiError, match="found none"):
        fit_logistic(values[:0], np.empty(0, bool))


def slow_ece(probability: np.ndarray, right: np.ndarray, bins: int) -> float:
    error = 0.0
    for number in range(bins):
        rows = [
            i
            for i, p in enumerate(probability)
            if number / bins <= p < (number + 1) / bins or (p == 1 and number == bins - 1)
        ]
        if rows:
            said, happened = np.mean([probability[i] for i in rows]), np.mean([right[i] for i in rows])
            error += len(rows) / len(probability) * abs(said - happened)
    return error


@pytest.mark.parametrize("bins", [1, 4, 16])  # powers of two: whether 0.3 is in a bin is then no question of rounding
def test_calibration_error_equals_the_loop(bins: int) -> None:
    rng = np.random.default_rng(bins)
    probability = np.concatenate((rng.uniform(size=200) ** 2, [0.0, 0.25, 0.5, 1.0]))
    right = rng.uniform(size=204) < 0.7
    found = reliability(probability, right, bins)
    assert found.ece == pytest.approx(slow_ece(probability, right, bins))
    assert found.brier == pytest.approx(np.mean([(p - r) ** 2 for p, r in zip(probability, right, strict=True)]))
    assert sum(found.count) == 204


def test_honest_probabilities_have_nearly_no_error_and_false_ones_their_excess() -> None:
    rng = np.random.default_rng(0)
    probability = rng.uniform(size=20_000)
    right = rng.uniform(size=20_000) < probability
    assert reliability(probability, right).ece < 0.015
    assert reliability(np.full(20_000, 0.9), right).ece == pytest.approx(0.4, abs=0.015)


def test_json_gives_reliability_back() -> None:
    found = reliability(np.array([0.05, 0.95]), np.array([False, True]))
    assert found.said[1] is None and found.right[5] is None
    assert Reliability.from_dict(json.loads(json.dumps(found.to_dict(), allow_nan=False))) == found
    with pytest.raises(LofiError, match="found none"):
        reliability(np.empty(0), np.empty(0, bool))


@pytest.mark.parametrize("change", [{"scale": (0.0,)}, {"weights": (1.0, 2.0)}, {"intercept": np.nan}])
def test_a_logistic_checks_itself(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Logistic(**({"mean": (0.0,), "scale": (1.0,), "weights": (1.0,), "intercept": 0.0} | change))  # type: ignore[arg-type]
