"""Scales and shifts by quality: nothing at raw, equal to the written-out equation elsewhere, alone and in batches."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lofivpr.models import OnnxModel, PlaceModel, create_model
from lofivpr.models.condition import CONDITION_SIZE
from lofivpr.models.quality_affine import QualityAffine, add_quality_affines
from lofivpr.quality import Quality

QUALITIES = [Quality.parse(text) for text in ("raw", "24p", "jpeg:5", "24p/h264:qp48")]


def _pictures(count: int = 4) -> list[np.ndarray]:
    return list(np.random.default_rng(0).integers(0, 256, (count, 48, 64, 3), dtype=np.uint8))


def _moved(model: PlaceModel) -> PlaceModel:
    """The model with scales and shifts as if it had been trained."""
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for affine in model.affines:
            affine.affine.weight.normal_(0, 0.2, generator=generator)
    return model


@pytest.fixture(params=["tiny", "efficientnet_lite0"])
def plain(request: pytest.FixtureRequest) -> PlaceModel:
    return create_model(request.param, "netvlad", size=(64, 48), pretrained=False, clusters=4)


def _layer(kind: str, rng: np.random.Generator) -> tuple[nn.Module, torch.Tensor]:
    if kind == "batch norm":
        norm = nn.BatchNorm2d(5).eval()
        for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
            assert tensor is not None
            tensor.data = torch.from_numpy(rng.random(5, dtype=np.float32) + 0.5)
        return norm, torch.from_numpy(rng.normal(size=(3, 5, 2, 4)).astype(np.float32))
    if kind == "layer norm":
        return nn.LayerNorm(5), torch.from_numpy(rng.normal(size=(3, 7, 5)).astype(np.float32))
    return nn.Conv2d(4, 5, 3), torch.from_numpy(rng.normal(size=(3, 4, 6, 6)).astype(np.float32))


@pytest.mark.parametrize("kind", ["batch norm", "layer norm", "convolution"])
def test_the_affine_equals_the_loop(kind: str) -> None:
    rng = np.random.default_rng(1)
    layer, x = _layer(kind, rng)
    affine = QualityAffine(layer, 5)
    weight = rng.normal(size=(10, CONDITION_SIZE)).astype(np.float32)
    affine.affine.weight.data = torch.from_numpy(weight)
    condition = rng.random((3, CONDITION_SIZE)).astype(np.float32)
    affine.condition = torch.from_numpy(condition)
    found, y = affine(x).detach().numpy(), layer(x).detach().numpy()
    axis = 2 if kind == "layer norm" else 1
    for n in range(3):
        for c in range(5):
            scale, shift = weight[c] @ condition[n], weight[5 + c] @ condition[n]
            expected = np.take(y[n], c, axis - 1) * (1 + scale) + shift
            np.testing.assert_allclose(np.take(found[n], c, axis - 1), expected, atol=1e-5)


def test_before_training_every_quality_is_described_as_without(plain: PlaceModel) -> None:
    aware = plain.with_quality_affines()
    np.testing.assert_allclose(aware.describe(_pictures(), QUALITIES), plain.describe(_pictures()), atol=1e-5)
    assert not plain.affines and not any("affine" in name for name in plain.state_dict())


def test_at_raw_the_scales_change_nothing_and_elsewhere_they_do(plain: PlaceModel) -> None:
    aware = _moved(plain.with_quality_affines())
    described, expected = aware.describe(_pictures(), QUALITIES), plain.describe(_pictures())
    np.testing.assert_allclose(described[0], expected[0], atol=1e-5)
    np.testing.assert_allclose(aware.describe(_pictures()), expected, atol=1e-5)  # nothing known: raw
    assert all(np.abs(described[row] - expected[row]).max() > 1e-3 for row in (1, 2, 3))


def test_a_picture_is_described_alike_alone_and_in_a_batch_of_other_qualities(plain: PlaceModel) -> None:
    aware = _moved(plain.with_quality_affines())
    pixels = torch.from_numpy(aware.preprocessing.to_array(_pictures()))
    known = aware.conditions(QUALITIES, 4)
    assert known is not None
    with torch.no_grad():
        together = aware(pixels, known).descriptor.numpy()
    np.testing.assert_allclose(together, aware.describe(_pictures(), QUALITIES), atol=1e-5)


def test_a_quality_aware_model_is_saved_loaded_and_run_without_torch(plain: PlaceModel, tmp_path: Path) -> None:
    aware = _moved(plain.with_quality_affines())
    aware.save(tmp_path / "model")
    loaded, onnx = PlaceModel.load(tmp_path / "model"), OnnxModel.load(tmp_path / "model")
    assert loaded.digest == aware.digest == onnx.digest != plain.digest
    expected = aware.describe(_pictures(), QUALITIES)
    np.testing.assert_array_equal(loaded.describe(_pictures(), QUALITIES), expected)
    np.testing.assert_allclose(onnx.describe(_pictures(), QUALITIES), expected, atol=1e-4)
    np.testing.assert_allclose(onnx.describe(_pictures()), aware.describe(_pictures()), atol=1e-4)


def test_a_network_without_normalisation_is_modulated_behind_its_convolutions() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Sequential(nn.Conv2d(4, 6, 3), nn.ReLU()))
    affines = add_quality_affines(network)
    assert [affine.affine.out_features for affine in affines] == [8, 12]
    assert network[0] is affines[0] and network[2][0] is affines[1]  # type: ignore[index]
