from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from lofivpr.models import ModelError, PlaceModel, create_model
from lofivpr.models.backbone_weights import load_backbone


@pytest.fixture
def given(tiny_folder: Path) -> dict[str, Tensor]:
    """The tensors of a backbone by the names of its own network, as timm's files have them."""
    return {name: tensor.clone() for name, tensor in PlaceModel.load(tiny_folder).backbone.layers.state_dict().items()}


def _has(model: PlaceModel, tensors: dict[str, Tensor]) -> bool:
    ours = model.backbone.layers.state_dict()
    return all(torch.equal(ours[name], tensor) for name, tensor in tensors.items())


@pytest.mark.parametrize("kind", ["folder", "pth", "safetensors"])
def test_the_backbone_takes_them_and_the_aggregator_stays(
    kind: str, tiny_folder: Path, given: dict[str, Tensor], tmp_path: Path
) -> None:
    model = create_model("tiny", "netvlad", size=(64, 48), clusters=5, seed=9)
    before = {name: tensor.clone() for name, tensor in model.aggregator.state_dict().items()}
    assert not _has(model, given)
    path = tiny_folder if kind == "folder" else tmp_path / f"mine.{kind}"
    published = {name: tensor for name, tensor in given.items() if not name.endswith("num_batches_tracked")}
    published["classifier.weight"] = torch.zeros(3, 32)
    if kind == "pth":
        torch.save(published, path)
    elif kind == "safetensors":
        save_file({name: tensor.contiguous() for name, tensor in published.items()}, path)
    load_backbone(model, path)
    assert _has(model, given)
    assert all(torch.equal(tensor, before[name]) for name, tensor in model.aggregator.state_dict().items())
    said = "model netvlad-tiny" if kind == "folder" else f"file mine.{kind}"
    assert model.config.weights_source.startswith(said)
    model.save(tmp_path / "model", onnx=False)
    assert _has(PlaceModel.load(tmp_path / "model"), given)


def test_a_card_names_where_a_folders_weights_came_from(tiny_folder: Path, tmp_path: Path) -> None:
    first = PlaceModel.load(tiny_folder)
    first.config = first.config.replace(weights_source="a package", weights_licence="Apache-2.0")
    digest = first.save(tmp_path / "first", onnx=False)
    model = create_model("gem-tiny")
    load_backbone(model, tmp_path / "first")
    assert model.config.weights_source == f"model netvlad-tiny ({digest}), from a package"
    assert model.config.weights_licence == "Apache-2.0"


def test_weights_of_something_else(given: dict[str, Tensor], tmp_path: Path) -> None:
    model = create_model("tiny")
    with pytest.raises(ModelError, match=r"download, random, a model folder.* found nothing at .*gone"):
        load_backbone(model, tmp_path / "gone")
    with pytest.raises(ModelError, match="expected model.safetensors in the model folder"):
        load_backbone(model, tmp_path)
    path = tmp_path / "other.pth"
    torch.save(given | {"stage1.0.weight": torch.zeros(16, 8, 5, 5)}, path)
    with pytest.raises(ModelError, match=r"other\.pth: expected shape .*stage1\.0\.weight.*Give weights of tiny"):
        load_backbone(model, path)
    del given["stage2.0.weight"]
    torch.save(given, path)
    with pytest.raises(ModelError, match=r"expected a tensor stage2\.0\.weight"):
        load_backbone(model, path)
    path.write_bytes(b"no tensors")
    with pytest.raises(ModelError, match=r"other\.pth"):
        load_backbone(model, path)
