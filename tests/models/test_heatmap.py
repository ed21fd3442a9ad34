from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lofivpr.models import HEATMAP_KINDS, ModelError, OnnxModel, PlaceModel, create_model, heatmap


def test_feature_norm(tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    found = heatmap(tiny, pictures[0], "feature-norm")
    features = tiny.features(pictures[:1])[0]
    assert found.shape == (4, 6) and found.dtype == np.float32
    assert found[2, 3] == pytest.approx(np.sqrt((features[:, 2, 3] ** 2).sum()), rel=1e-5)


def test_residual_energy_is_the_share_of_each_location(tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    """Shares u_p computed one by one: they sum to the descriptor, and their squared norms are drawn."""
    features = tiny.features(pictures[:1])[0].astype(np.float64)
    local = features.reshape(32, -1).T
    local /= np.linalg.norm(local, axis=1, keepdims=True)
    weight = tiny.aggregator.assignment.weight.detach().numpy()[:, :, 0, 0].astype(np.float64)
    centroids = tiny.aggregator.centroids.detach().numpy().astype(np.float64)
    soft = np.exp(local @ weight.T)
    soft /= soft.sum(axis=1, keepdims=True)
    shares = soft[:, :, None] * (local[:, None] - centroids)
    shares /= np.linalg.norm(shares.sum(axis=0), axis=1)[None, :, None] * np.sqrt(4)
    np.testing.assert_allclose(shares.sum(axis=0).ravel(), tiny.describe(pictures[:1])[0], atol=1e-5)
    wanted = (shares**2).sum(axis=(1, 2)).reshape(4, 6)
    np.testing.assert_allclose(heatmap(tiny, pictures[0], "residual-energy"), wanted, rtol=1e-4)


def test_similarity_gradient_equals_finite_differences(tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    found = heatmap(tiny, pictures[0], "similarity-gradient", pictures[1])
    target = torch.from_numpy(tiny.describe(pictures[1:2])[0])
    np.testing.assert_array_equal(found, heatmap(tiny, pictures[0], "similarity-gradient", target.numpy()))
    features = torch.from_numpy(tiny.features(pictures[:1])).double()
    model = tiny.double()
    row, column, step = 1, 4, 1e-5
    gradient = []
    with torch.no_grad():
        for channel in range(32):
            ends = []
            for sign in (1, -1):
                moved = features.clone()
                moved[0, channel, row, column] += sign * step
                ends.append(float(model.describe_features(moved)[0] @ target.double()))
            gradient.append((ends[0] - ends[1]) / (2 * step))
    wanted = np.linalg.norm(gradient) * float(features[0, :, row, column].norm())
    assert found[row, column] == pytest.approx(wanted, rel=1e-3)


def test_onnx_draws_the_same(tiny_folder: Path, pictures: list[np.ndarray]) -> None:
    for kind in ("feature-norm", "residual-energy"):
        maps = [heatmap(cls.load(tiny_folder), pictures[0], kind) for cls in (PlaceModel, OnnxModel)]
        np.testing.assert_allclose(maps[0], maps[1], rtol=1e-3)


def test_what_cannot_be_drawn(tiny: PlaceModel, tiny_folder: Path, pictures: list[np.ndarray]) -> None:
    with pytest.raises(ModelError, match="feature-norm, residual-energy, similarity-gradient, found 'x'"):
        heatmap(tiny, pictures[0], "x")
    with pytest.raises(ModelError, match="expected the retrieved picture"):
        heatmap(tiny, pictures[0], "similarity-gradient")
    with pytest.raises(ModelError, match="expected a torch model"):
        heatmap(OnnxModel.load(tiny_folder), pictures[0], "similarity-gradient", pictures[1])
    with pytest.raises(ModelError, match="NetVLAD .* found gem"):
        heatmap(create_model("gem-tiny"), pictures[0], "residual-energy")
    assert all(HEATMAP_KINDS.values())
