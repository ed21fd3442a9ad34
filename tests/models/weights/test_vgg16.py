from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from reference import conv5_3, convolutions, unit

from lofivpr.models import ModelError, PlaceModel, create_model, initialise_netvlad
from lofivpr.models.weights import import_weights
from lofivpr.models.weights.vgg16 import import_vgg16

SIZE = (48, 32)
MEAN, STD = np.array((0.485, 0.456, 0.406)), np.array((0.229, 0.224, 0.225))
WEIGHTS = convolutions(seed=4)
CLASSIFIERS = {
    "torchvision": ("classifier.0", "classifier.3", "classifier.6"),
    "timm": ("pre_logits.fc1", "pre_logits.fc2", "head.fc"),
}


def state_dict(kind: str) -> dict[str, torch.Tensor]:
    """The published names; the classifier, which is not read, is small."""
    tensors = {}
    for number, (filters, bias) in WEIGHTS.items():
        tensors[f"features.{number}.weight"] = torch.from_numpy(filters.transpose(3, 2, 0, 1).copy())
        tensors[f"features.{number}.bias"] = torch.from_numpy(bias)
    for name in CLASSIFIERS[kind]:
        tensors |= {f"{name}.weight": torch.zeros(2, 2), f"{name}.bias": torch.zeros(2)}
    return tensors


@pytest.fixture(scope="module")
def write(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    def go(tensors: object, name: str = "vgg16.pth") -> Path:
        path = tmp_path_factory.mktemp("vgg") / name
        torch.save(tensors, path)
        return path

    return go


def picture(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)


@pytest.mark.parametrize("kind", CLASSIFIERS)
def test_gem_of_the_published_convolutions(write: Callable[..., Path], tmp_path: Path, kind: str) -> None:
    import_vgg16(write(state_dict(kind)), "vgg16-gem", tmp_path / "out", onnx=False, size=SIZE)
    model, image = PlaceModel.load(tmp_path / "out"), picture(0)
    features = conv5_3((image / 255 - MEAN) / STD, WEIGHTS)
    pooled = (np.maximum(features, 1e-6) ** 3).mean(axis=(0, 1)) ** (1 / 3)
    np.testing.assert_allclose(model.describe([image])[0], unit(pooled), atol=1e-6)
    assert model.card["imported"]["model"] == "vgg16-gem" and model.card["weights"]["licence"] == "BSD-3-Clause"


def test_netvlad_is_made_of_the_pictures(write: Callable[..., Path], tmp_path: Path) -> None:
    file, pictures = write(state_dict("timm")), [picture(seed) for seed in range(16)]
    model = import_vgg16(file, "vgg16-netvlad", tmp_path / "out", onnx=False, pictures=pictures, size=SIZE)
    other = create_model("vgg16", "netvlad", size=SIZE, pretrained=False)
    other.backbone.load_state_dict(model.backbone.state_dict())
    initialise_netvlad(other, pictures)
    np.testing.assert_array_equal(model.describe(pictures[:1]), other.describe(pictures[:1]))
    assert model.name == "vgg16-netvlad" and "alpha" in model.card["imported"]["netvlad"]


def test_files_that_are_not_vgg16(write: Callable[..., Path], tmp_path: Path) -> None:
    short = {name: tensor for name, tensor in state_dict("timm").items() if name != "features.5.bias"}
    with pytest.raises(ModelError, match=r"a tensor for layers.features.5.bias of shape \(128,\), found none"):
        import_weights(write(short), "vgg16-gem", tmp_path / "out")
    deeper = {**state_dict("timm"), "features.30.weight": torch.zeros(512, 512, 3, 3)}
    with pytest.raises(ModelError, match=r"no tensor features.30.weight"):
        import_weights(write(deeper), "vgg16-gem", tmp_path / "out")
    with pytest.raises(ModelError, match="found one named layer1.0.conv1.weight"):
        import_weights(write({"layer1.0.conv1.weight": torch.zeros(1)}), "vgg16-gem", tmp_path / "out")
    assert not (tmp_path / "out").exists()
