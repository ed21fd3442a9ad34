from __future__ import annotations

import cv2
import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.models import Preprocessing


def preprocessing(size: tuple[int, int] = (96, 32)) -> Preprocessing:
    return Preprocessing(size=size, mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 2.0))


def test_size_is_width_then_height() -> None:
    image = np.zeros((50, 200, 3), dtype=np.uint8)
    image[:, 100:] = 255
    found = preprocessing().to_array([image])
    assert found.shape == (1, 3, 32, 96)
    red = found[0, 0]
    assert (red[:, :47] < 0).all() and (red[:, 49:] > 1).all()


def test_formula_of_each_channel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 96, 3), dtype=np.uint8)
    found = preprocessing().to_array([image])[0]
    for channel, (mean, std) in enumerate(((0.1, 0.5), (0.2, 0.25), (0.3, 2.0))):
        np.testing.assert_allclose(found[channel], (image[..., channel] / 255 - mean) / std, atol=2e-6)
    assert found.dtype == np.float32


def test_areas_when_shrinking_and_bilinear_when_enlarging() -> None:
    big = np.random.default_rng(0).integers(0, 256, (64, 192, 3), dtype=np.uint8)
    exact = big.reshape(32, 2, 96, 2, 3).mean(axis=(1, 3))
    assert np.abs(preprocessing().resize(big) - exact).max() <= 0.5
    small = big[:16, :48]
    wanted = cv2.resize(small, (96, 32), interpolation=cv2.INTER_LINEAR)
    np.testing.assert_array_equal(preprocessing().resize(small), wanted)


def test_input_is_left_as_it_was() -> None:
    image = np.full((32, 96, 3), 7, dtype=np.uint8)
    preprocessing().to_array([image])
    assert (image == 7).all()


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4), dtype=np.uint8),
        np.zeros((4, 4, 4), dtype=np.uint8),
        np.zeros((4, 4, 3), dtype=np.float32),
        np.zeros((0, 4, 3), dtype=np.uint8),
        "a.jpg",
    ],
)
def test_anything_but_8_bit_rgb_is_refused(bad: object) -> None:
    with pytest.raises(LofiError, match="uint8 height x width x 3"):
        preprocessing().to_array([bad])  # type: ignore[list-item]


@pytest.mark.parametrize(
    "fields", [{"size": (0, 4)}, {"std": (1.0, 0.0, 1.0)}, {"scale": 0.0}, {"interpolation": "psychic"}]
)
def test_impossible_values_are_refused(fields: dict) -> None:
    with pytest.raises(LofiError, match="expected"):
        Preprocessing(**{"size": (4, 4), "mean": (0.0,) * 3, "std": (1.0,) * 3, **fields})


@pytest.mark.parametrize("name", ["bilinear", "bicubic"])
def test_pillows_interpolation_is_antialiased(name: str) -> None:
    import torch
    from torch.nn import functional as F

    smooth = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (100, 300, 3), dtype=np.uint8), (7, 7), 2)
    found = Preprocessing((96, 32), (0.1, 0.2, 0.3), (0.5, 0.25, 2.0), interpolation=name).resize(smooth)
    pixels = torch.from_numpy(smooth).permute(2, 0, 1)[None].double()
    wanted = F.interpolate(pixels, (32, 96), mode=name, antialias=True)[0].permute(1, 2, 0).numpy()
    assert np.abs(found - wanted).max() <= 1.01  # each side rounds to 8 bits twice
