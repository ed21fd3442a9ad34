"""Logistic regression with a ridge, and how well probabilities match what happens. Pure functions on arrays."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import expit

from lofivpr.errors import LofiError

Floats = npt.NDArray[np.float64]
ROUNDS = 100
BINS = 10


@dataclass(frozen=True)
class Logistic:
    """P(right) = 1 / (1 + exp(-(intercept + sum of weights * (x - mean) / scale)))."""

    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    intercept: float

    def __post_init__(self) -> None:
        if not len(self.mean) == len(self.scale) == len(self.weights):
            raise ValueError("expected as many means and scales as weights")
        if not np.isfinite([*self.mean, *self.scale, *self.weights, self.intercept]).all() or min(self.scale) <= 0:
            raise ValueError("expected finite numbers and scales above 0")

    def probability(self, values: Floats) -> Floats:
        """float64 Q for float64 Q x F."""
        standard = (values - np.array(self.mean)) / np.array(self.scale)
        return np.asarray(expit(self.intercept + standard @ np.array(self.weights)), np.float64)


def fit_logistic(values: Floats, right: npt.NDArray[np.bool_], ridge: float = 1.0) -> Logistic:
    """Maximum likelihood with ridge / 2 * |weights|^2 on standardised columns, the intercept free; Newton's method.

    Args:
        values: float64 Q x F; a column that does not vary gets weight 0.
        right: bool Q.
        ridge: how many queries' worth of doubt; also keeps weights finite where right and wrong fall apart.

    Where all are right, or all wrong, nothing can be learnt from the columns: every query then gets the probability
    (right + 1/2) / (queries + 1), Jeffreys' estimate of a share.

    Raises:
        LofiError: there is no query.
    """
    if not len(right):
        raise LofiError("expected queries to fit a probability on, found none.")
    mean, scale = values.mean(axis=0), values.std(axis=0)
    scale = np.where(scale > 1e-9, scale, 1.0)
    if right.all() or not right.any():
        odds = (right.sum() + 0.5) / (len(right) - right.sum() + 0.5)
        return Logistic(tuple(mean.tolist()), tuple(scale.tolist()), (0.0,) * len(mean), float(np.log(odds)))
    x = np.column_stack((np.ones(len(values)), (values - mean) / scale))
    penalty = np.full(x.shape[1], ridge)
    penalty[0] = 0.0
    beta = np.zeros(x.shape[1])
    beta[0] = np.log(right.mean() / (1 - right.mean()))
    for _ in range(ROUNDS):
        step = _newton_step(x, right.astype(np.float64), beta, penalty)
        beta = beta + step
        if np.abs(step).max() < 1e-10:
            break
    weights = tuple(float(weight) for weight in beta[1:])
    return Logistic(tuple(mean.tolist()), tuple(scale.tolist()), weights, float(beta[0]))


def _newton_step(x: Floats, y: Floats, beta: Floats, penalty: Floats) -> Floats:
    """One step downhill; halved until the penalised loss falls, since far from the end a full one may overshoot."""
    p = expit(x @ beta)
    gradient = x.T @ (p - y) + penalty * beta
    curvature = (x * (p * (1 - p))[:, None]).T @ x + np.diag(penalty + 1e-9)
    step = -np.linalg.solve(curvature, gradient)
    loss = _loss(x, y, beta, penalty)
    for _ in range(30):
        if _loss(x, y, beta + step, penalty) <= loss + 1e-12:
            return step
        step = step / 2
    return np.zeros_like(step)


def _loss(x: Floats, y: Floats, beta: Floats, penalty: Floats) -> float:
    z = x @ beta
    return float((np.logaddexp(0.0, z) - y * z).sum() + 0.5 * (penalty * beta**2).sum())


@dataclass(frozen=True)
class Reliability:
    """A reliability diagram: in `BINS` bins of equal width over probability, what was said and what happened.

    `count` queries, their mean `said` probability and the share `right`, None for empty bins. `ece`: expected
    calibration error, the mean |said - right| weighted by count (Naeini, Cooper, Hauskrecht, AAAI 2015; Guo et al.,
    arXiv 1706.04599). `brier`: mean squared error of the probability.
    """

    count: tuple[int, ...]
    said: tuple[float | None, ...]
    right: tuple[float | None, ...]
    ece: float
    brier: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Reliability:
        """What `to_dict` wrote."""
        count, said, right = (tuple(values[name]) for name in ("count", "said", "right"))
        return cls(count, said, right, values["ece"], values["brier"])


def reliability(probability: Floats, right: npt.NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Compare probabilities (float64 Q) with what happened (bool Q); a probability of 1 is in the last bin.

    Raises:
        LofiError: there is no query.
    """
    if not len(probability):
        raise LofiError("expected queries to compare probabilities on, found none.")
    place = np.minimum((probability * bins).astype(np.int64), bins - 1)
    count = np.bincount(place, minlength=bins)
    said = np.bincount(place, weights=probability, minlength=bins)
    happened = np.bincount(place, weights=right.astype(np.float64), minlength=bins)
    error = np.abs(said - happened).sum() / len(probability)

    def mean(total: npt.NDArray[Any]) -> tuple[float | None, ...]:
        return tuple(float(t / n) if n else None for t, n in zip(total, count, strict=True))

    brier = float(np.mean((probability - right) ** 2))
    return Reliability(tuple(int(n) for n in count), mean(said), mean(happened), float(error), brier)
