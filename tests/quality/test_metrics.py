from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.quality import Quality, QualityError, psnr, ssim


def slow_psnr(a: np.ndarray, b: np.ndarray) -> float:
    total = sum((int(x) - int(y)) ** 2 for x, y in zip(a.reshape(-1), b.reshape(-1), strict=True))
    return math.inf if total == 0 else 20 * math.log10(255) - 10 * math.log10(total / a.size)


def slow_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Wang et al. 2004, window by window."""
    offset = np.arange(-5, 6)
    window = np.exp(-(offset[:, None] ** 2 + offset[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    x = 0.299 * a[..., 0] + 0.587 * a[..., 1] + 0.114 * a[..., 2]
    y = 0.299 * b[..., 0] + 0.587 * b[..., 1] + 0.114 * b[..., 2]
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    values = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            p, q = x[row : row + 11, column : column + 11], y[row : row + 11, column : column + 11]
            mean_p, mean_q = (window * p).sum(), (window * q).sum()
            var_p, var_q = (window * (p - mean_p) ** 2).sum(), (window * (q - mean_q) ** 2).sum()
            cov = (window * (p - mean_p) * (q - mean_q)).sum()
            top = (2 * mean_p * mean_q + c1) * (2 * cov + c2)
            values.append(top / ((mean_p**2 + mean_q**2 + c1) * (var_p + var_q + c2)))
    return float(np.mean(values))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**6), st.integers(11, 24), st.integers(11, 24), st.integers(1, 100))
def test_against_the_definitions(seed: int, height: int, width: int, strength: int) -> None:
    rng = np.random.default_rng(seed)
    a = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    b = np.clip(a + rng.integers(-strength, strength + 1, a.shape), 0, 255).astype(np.uint8)
    assert psnr(a, b) == pytest.approx(slow_psnr(a, b), rel=1e-6)
    assert ssim(a, b) == pytest.approx(slow_ssim(a, b), abs=1e-9)
    assert ssim(a, b) == pytest.approx(ssim(b, a), abs=1e-12)


def test_equal_pictures(picture: np.ndarray) -> None:
    assert psnr(picture, picture) == math.inf
    assert ssim(picture, picture) == pytest.approx(1, abs=1e-12)


def test_known_values() -> None:
    black, white = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 255, np.uint8)
    assert psnr(black, white) == 0
    assert ssim(black, white) == pytest.approx(1e-4 / (1 + 1e-4), rel=1e-6)
    assert psnr(black, black + 1) == pytest.approx(48.1308, abs=1e-4)


def test_worse_pictures_measure_worse(picture: np.ndarray) -> None:
    images = [Quality.parse(f"jpeg:{q}").encode(picture).image for q in (80, 30, 5)]
    assert sorted(ssim(picture, image) for image in images) == [ssim(picture, i) for i in images[::-1]]


def test_refusals() -> None:
    small = np.zeros((10, 40, 3), np.uint8)
    with pytest.raises(QualityError, match="one size"):
        psnr(small, small[:, :39])
    with pytest.raises(QualityError, match="11 pixels"):
        ssim(small, small)
