"""What error to expect of a fitted map, before the truth is known."""

from __future__ import annotations

import math

import numpy as np

from lofivpr.alignment.plane_map import Kind
from lofivpr.alignment.trajectory import Floats

PARAMETERS = {"similarity": 4, "affine": 6}


def design(points: Floats, kind: Kind) -> Floats:
    """How a mapped point (both coordinates) depends on the map's parameters, float64 N x 2 x P.

    Both maps are linear in their parameters: x' = a x - b y + t, y' = b x + a y + u of a similarity, and
    x' = a x + b y + t, y' = c x + d y + u of an affine map.
    """
    x, y = points.T
    zero, one = np.zeros_like(x), np.ones_like(x)
    if kind == "similarity":
        rows = [[x, -y, one, zero], [y, x, zero, one]]
    else:
        rows = [[x, y, one, zero, zero, zero], [zero, zero, zero, x, y, one]]
    return np.moveaxis(np.array(rows), -1, 0)


def expected_rms(source: Floats, at: Floats, kind: Kind, sigma: float) -> float:
    """The RMS error of mapped points that noise of `sigma` on the pairs leads to.

    With independent noise of `sigma` on each coordinate of the picked points of the target, the parameters of the
    least-squares map have the covariance C = sigma^2 (D^T D)^-1, D being `design` of the source; a mapped point has
    J C J^T. Noise on the source counts as noise on the target, times the map's scale.

    Args:
        source: the pairs' points, N x 2.
        at: the points that are mapped, M x 2.
        sigma: in units of the target.

    Returns:
        The root of the mean over the points of the expected squared distance, in units of the target; NaN for NaN.
    """
    middle = source.mean(axis=0)
    size = max(float(np.abs(source - middle).max()), 1e-300)  # a well-conditioned design gives the same error
    pairs = design((source - middle) / size, kind).reshape(-1, PARAMETERS[kind])
    points = design((at - middle) / size, kind)
    covariance = np.linalg.inv(pairs.T @ pairs)
    return sigma * math.sqrt(float(np.einsum("mip,pq,miq->", points, covariance, points)) / len(at))
