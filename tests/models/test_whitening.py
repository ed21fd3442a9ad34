from __future__ import annotations

import numpy as np
import pytest

from lofivpr.models import ModelError, fit_whitening, fit_whitening_by_blocks


def descriptors(rows: int = 200, width: int = 8) -> np.ndarray:
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal((rows, width)) * np.arange(1, width + 1) @ rng.standard_normal((width, width))
    return (mixed + 5).astype(np.float32)


@pytest.mark.parametrize(("rows", "width", "dim"), [(200, 8, 8), (200, 8, 3), (20, 50, 10)])
def test_result_has_no_mean_and_the_identity_as_covariance(rows: int, width: int, dim: int) -> None:
    data = descriptors(rows, width)
    weight, bias = fit_whitening(data, dim)
    assert weight.shape == (dim, width) and bias.shape == (dim,) and weight.dtype == np.float32
    white = data @ weight.T + bias
    np.testing.assert_allclose(white.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(np.cov(white.T), np.eye(dim), atol=1e-3)


def test_directions_of_greatest_variance_are_kept() -> None:
    data = descriptors()
    values, vectors = np.linalg.eigh(np.cov(data.T.astype(np.float64)))
    weight, _ = fit_whitening(data, 2)
    for row, value, vector in zip(weight, values[::-1], vectors.T[::-1], strict=False):
        assert abs(row @ vector) == pytest.approx(value**-0.5, rel=1e-3)


def test_too_many_dimensions_are_refused() -> None:
    for rows, dim in ((200, 9), (5, 5), (200, 0)):
        with pytest.raises(ModelError, match="whitening to between 1 and"):
            fit_whitening(descriptors(rows), dim)
    flat = descriptors()
    flat[:, 2:] = 0
    with pytest.raises(ModelError, match="vary in 4 directions"):
        fit_whitening(flat, 4)


@pytest.mark.parametrize("size", [1, 7, 64, 500])
def test_by_blocks_is_the_same_but_for_signs(size: int) -> None:
    data = descriptors(200, 8) + 1000  # far from zero, where squares cancel
    blocks = (data[start : start + size] for start in range(0, len(data), size))
    weight, bias = fit_whitening_by_blocks(blocks, 5)
    wanted, offset = fit_whitening(data, 5)
    signs = np.sign((weight * wanted).sum(axis=1))
    np.testing.assert_allclose(weight * signs[:, None], wanted, atol=1e-3 * np.abs(wanted).max())
    np.testing.assert_allclose((data @ weight.T + bias) * signs, data @ wanted.T + offset, atol=2e-2)


def test_by_blocks_refuses_alike() -> None:
    flat = descriptors()
    flat[:, 2:] = 0
    for data, dim, message in ((descriptors(), 9, "between 1 and"), (flat, 4, "vary in 4"), (flat[:0], 1, "found 1")):
        with pytest.raises(ModelError, match=message):
            fit_whitening_by_blocks(iter([data[:150], data[150:]] if len(data) else []), dim)
