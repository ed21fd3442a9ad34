"""How much a picture lost: PSNR and SSIM."""

from __future__ import annotations

import math

import cv2
import numpy as np

from lofivpr.quality.grammar import QualityError

WINDOW, SIGMA = 11, 1.5


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal-to-noise ratio in dB over all pixels and channels; infinite for equal pictures.

    Args:
        a: uint8 H x W x 3 (or H x W).
        b: the same shape.

    Raises:
        QualityError: the shapes differ.
    """
    _check_same(a, b)
    error = float(np.mean((a.astype(np.float32) - b.astype(np.float32)) ** 2, dtype=np.float64))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)


def ssim(a: np.ndarray, b: np.ndarray) -> float:
    """Mean structural similarity of the luma (BT.601, full range), 1 for equal pictures.

    Wang et al. 2004: Gaussian window of 11 x 11 with sigma 1.5, K1 = 0.01, K2 = 0.03, only windows that lie
    wholly inside the picture, no downsampling.

    Args:
        a: uint8 H x W x 3 RGB (or H x W), both sides at least 11.
        b: the same shape.

    Raises:
        QualityError: the shapes differ, or a side is below 11 pixels.
    """
    _check_same(a, b)
    if min(a.shape[:2]) < WINDOW:
        raise QualityError(f"expected pictures of at least {WINDOW} pixels a side for SSIM, found {a.shape}.")
    x, y = _luma(a), _luma(b)
    mean_x, mean_y = _blur(x), _blur(y)
    var_x, var_y = _blur(x * x) - mean_x**2, _blur(y * y) - mean_y**2
    covariance = _blur(x * y) - mean_x * mean_y
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    top = (2 * mean_x * mean_y + c1) * (2 * covariance + c2)
    return float(np.mean(top / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))))


def _luma(image: np.ndarray) -> np.ndarray:
    if image.ndim == 2:
        return image.astype(np.float64)
    return image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])


def _blur(values: np.ndarray) -> np.ndarray:
    edge = WINDOW // 2
    return cv2.GaussianBlur(values, (WINDOW, WINDOW), SIGMA)[edge:-edge, edge:-edge]


def _check_same(a: np.ndarray, b: np.ndarray) -> None:
    if a.shape != b.shape or a.size == 0:
        raise QualityError(f"expected two pictures of one size, found {a.shape} and {b.shape}. Resize one.")
