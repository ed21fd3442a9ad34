from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from lofivpr.errors import LofiError
from lofivpr.models import ModelError, OnnxModel, PlaceModel, create_model, export, export_onnx, read_card
from lofivpr.models.onnx_model import open_session, read_metadata


def test_a_folder_holds_everything(tiny_folder: Path) -> None:
    names = {path.name for path in tiny_folder.iterdir()}
    assert names == {"config.json", "model.safetensors", "model.onnx", "card.json", "README.md"}
    assert [path.name for path in tiny_folder.parent.iterdir()] == [tiny_folder.name]  # no temporary is left
    assert read_card(tiny_folder)["onnx"]["greatest difference from torch"] <= 1e-4


@pytest.mark.parametrize("name", ["gem-tiny", "netvlad-efficientnet_lite0"])
def test_export_equals_torch_for_any_number_and_size_of_pictures(name: str, tmp_path: Path) -> None:
    model = create_model(name, size=(96, 64))
    assert export_onnx(model, tmp_path / "m.onnx") <= 1e-4
    session = open_session(tmp_path / "m.onnx")
    assert f"any N, H and W multiples of {model.backbone.stride}" in read_metadata(session)["input"]
    for count, height, width in ((1, 64, 96), (5, 64, 96), (2, 128, 80), (1, 48, 240)):
        images = torch.randn(count, 3, height, width, generator=torch.Generator().manual_seed(count))
        descriptor, features = session.run(["descriptor", "features"], {"images": images.numpy()})
        with torch.no_grad():
            wanted = model(images)
        np.testing.assert_allclose(descriptor, wanted.descriptor.numpy(), atol=1e-4)
        np.testing.assert_allclose(features, wanted.features.numpy(), atol=1e-4 * wanted.features.abs().max())


@pytest.mark.parametrize(
    ("aggregator", "backbone"), [("mixvpr:dim=4", "tiny"), ("convap:dim=4", "tiny"), ("gem", "tiny_vit")]
)
def test_a_network_of_one_size_is_exported_at_it_and_says_so(aggregator: str, backbone: str, tmp_path: Path) -> None:
    size = (112, 112)
    model = create_model(backbone, aggregator, size=size, pretrained=False)
    assert export_onnx(model, tmp_path / "m.onnx") <= 1e-4
    session = open_session(tmp_path / "m.onnx")
    assert "3 x 112 x 112 float32, any N" in read_metadata(session)["input"]
    assert session.get_inputs()[0].shape[1:] == [3, 112, 112]


def test_an_export_that_differs_is_not_written(
    tiny: PlaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny.save(tmp_path / "m", onnx=False)
    before = {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()}
    export_torch = export._export

    def export_another(model: PlaceModel, path: Path, any_size: bool = False) -> None:
        export_torch(create_model("tiny", size=(96, 64), clusters=4, seed=99), path, any_size)

    monkeypatch.setattr(export, "_export", export_another)
    with pytest.raises(ModelError, match="differ from torch by at most 0.0001, found"):
        tiny.save(tmp_path / "m")
    assert {path.name: path.read_bytes() for path in (tmp_path / "m").iterdir()} == before
    assert [path.name for path in tmp_path.iterdir()] == ["m"]


class NoOnnx(torch.nn.Module):
    """An aggregator with an operator that ONNX has no counterpart of."""

    size = 16

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        spectrum = torch.linalg.eigvalsh(torch.einsum("ncij,nckj->nik", features, features)[:, :16, :16])
        return torch.nn.functional.normalize(spectrum, dim=1)


def test_a_layer_that_onnx_lacks_does_not_cost_the_weights(tmp_path: Path) -> None:
    model = create_model("gem-tiny", size=(256, 256))
    model.aggregator = NoOnnx()
    model.descriptor_size = NoOnnx.size
    with pytest.raises(ModelError, match="layers that ONNX has, found.*eigvalsh"):
        export_onnx(model, tmp_path / "m.onnx")
    with pytest.warns(UserWarning, match="saved without model.onnx, torch has to describe: .*eigvalsh"):
        model.save(tmp_path / "m")
    assert {path.name for path in (tmp_path / "m").iterdir()} == {
        *("config.json", "model.safetensors", "card.json", "README.md")
    }
    assert "eigvalsh" in read_card(tmp_path / "m")["onnx"]["none, because"]


def test_saving_again_replaces_the_folder(tiny: PlaceModel, tmp_path: Path) -> None:
    first = tiny.save(tmp_path / "m")
    with torch.no_grad():
        tiny.aggregator.centroids *= 1.5
    second = tiny.save(tmp_path / "m", onnx=False)
    assert first != second and PlaceModel.load(tmp_path / "m").digest == second
    assert not (tmp_path / "m" / "model.onnx").exists()  # never an export of older weights


def test_a_training_model_is_exported_as_it_describes(
    tiny: PlaceModel, tmp_path: Path, pictures: list[np.ndarray]
) -> None:
    tiny.train()
    tiny.save(tmp_path / "m")
    assert tiny.training
    np.testing.assert_allclose(OnnxModel.load(tmp_path / "m").describe(pictures), tiny.describe(pictures), atol=1e-5)


def test_a_place_that_cannot_be_written(tiny: PlaceModel, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises((LofiError, OSError)):
        tiny.save(tmp_path / "file" / "m", onnx=False)
