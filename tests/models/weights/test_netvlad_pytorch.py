"""The PyTorch NetVLAD checkpoint, by the layout `netvlad-pytorch`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from reference import CHANNELS, CLUSTERS, conv5_3, convolutions, netvlad, unit

from lofivpr.models import ModelError, PlaceModel
from lofivpr.models.weights.layout import published_models
from lofivpr.models.weights.state_dict import import_published

SIZE = (48, 32)
MEAN, STD = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))
ENTRY = replace(published_models()["netvlad-pytorch"], size=SIZE)
RNG = np.random.default_rng(7)
WEIGHTS = convolutions(seed=5)
ASSIGNMENT = 5 * RNG.standard_normal((CLUSTERS, CHANNELS), dtype=np.float32)
CENTROIDS = unit(RNG.standard_normal((CLUSTERS, CHANNELS))).astype(np.float32)


def tensors(encoder: str = "encoder.", pool: str = "pool.") -> dict[str, torch.Tensor]:
    found = {}
    for number, (filters, bias) in WEIGHTS.items():
        found[f"{encoder}{number}.weight"] = torch.from_numpy(filters.transpose(3, 2, 0, 1).copy())
        found[f"{encoder}{number}.bias"] = torch.from_numpy(bias)
    found[f"{pool}conv.weight"] = torch.from_numpy(ASSIGNMENT[:, :, None, None])
    found[f"{pool}centroids"] = torch.from_numpy(CENTROIDS)
    return found


def save(path: Path, state: dict[str, torch.Tensor]) -> Path:
    """As the training script does: with its epoch and its recalls, NumPy's numbers among them."""
    recalls = {1: np.float64(0.852), 5: np.float64(0.948)}
    torch.save({"epoch": 30, "state_dict": state, "recalls": recalls, "best_score": np.float64(0.948)}, path)
    return path


@pytest.mark.parametrize(
    ("encoder", "pool"),
    [("encoder.", "pool."), ("module.encoder.", "module.pool."), ("encoder.module.", "pool.module.")],
)
def test_it_describes_as_the_loop_over_clusters(tmp_path: Path, encoder: str, pool: str) -> None:
    file = save(tmp_path / "checkpoint.pth.tar", tensors(encoder, pool))
    import_published(file, ENTRY, tmp_path / "out", onnx=False)
    model = PlaceModel.load(tmp_path / "out")
    image = np.random.default_rng(1).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)
    features = conv5_3((image / 255 - MEAN) / STD, WEIGHTS)
    by_cluster = netvlad(features, ASSIGNMENT.T, CENTROIDS.T).T  # index k * D + d
    np.testing.assert_allclose(model.describe([image])[0], unit(by_cluster.ravel()), atol=2e-6)


def test_a_key_that_is_missing_or_of_another_shape(tmp_path: Path) -> None:
    state = tensors()
    del state["pool.centroids"]
    with pytest.raises(ModelError, match=r"a tensor for aggregator.centroids of shape \(64, 512\), found none"):
        import_published(save(tmp_path / "a.pth", state), ENTRY, tmp_path / "out")
    state["pool.centroids"] = torch.zeros(32, CHANNELS)
    with pytest.raises(ModelError, match=r"shape \(64, 512\) for pool.centroids .*, found \(32, 512\)"):
        import_published(save(tmp_path / "b.pth", state), ENTRY, tmp_path / "out")


def test_a_pickle_that_would_run_something_is_refused(tmp_path: Path) -> None:
    class Touch:
        def __reduce__(self) -> tuple:
            return Path.touch, (tmp_path / "touched",)

    torch.save({"state_dict": Touch()}, tmp_path / "evil.pth")
    with pytest.raises(ModelError, match="expected tensors and plain values"):
        import_published(tmp_path / "evil.pth", ENTRY, tmp_path / "out")
    assert not (tmp_path / "touched").exists()
