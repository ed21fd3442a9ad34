"""Every published model, at full size: names and shapes of its file against the network, without weights."""

from __future__ import annotations

import importlib.util

import pytest
import torch
from published import published

from lofivpr.models import ModelError
from lofivpr.models.place_model import build
from lofivpr.models.weights.layout import published_models
from lofivpr.models.weights.state_dict import fit_tensors

# One of each family and backbone; the others differ in one size.
EACH = [
    *("cosplace-resnet18-512", "cosplace-resnet50-2048", "cosplace-resnet101-32", "cosplace-resnet152-64"),
    *("cosplace-vgg16-64", "eigenplaces-resnet50-2048", "eigenplaces-vgg16-512"),
    *("mixvpr-resnet50-4096", "mixvpr-resnet50-128", "boq-resnet50-16384", "boq-dinov2_b14-12288"),
    *("salad-dinov2_b14-8448", "megaloc-dinov2_b14-8448", "cricavpr-dinov2_b14-10752"),
]


def test_the_names() -> None:
    known = published_models()
    assert set(EACH) <= set(known) and len(known) >= 52
    layouts = {entry.layout.name for entry in known.values()}
    assert {known[name].layout.name for name in EACH} == layouts - {"netvlad-pytorch"}  # test_netvlad_pytorch.py
    for name, entry in known.items():
        assert entry.config.name == name and entry.layout.licence and entry.layout.source.startswith("https://")


@pytest.mark.parametrize("name", EACH)
def test_every_tensor_of_the_file_has_its_place(name: str) -> None:
    entry = published_models()[name]
    with torch.device("meta"):
        model = build(entry.config)
        theirs = {key: torch.empty(shape) for key, shape in published(name).items()}
    assert model.descriptor_size == int(name.split("-")[2])
    fitted = fit_tensors("file", entry.layout, theirs, model.state_dict())
    ignored = [key for key in theirs if entry.layout.ours(key.removeprefix(entry.layout.prefix)) is None]
    assert len(fitted) == len(theirs) - len(ignored)
    unused = {"mask_token", "norm.weight", "norm.bias"} if name.startswith("boq") else {"mask_token"}
    assert {key.rpartition("dino.")[2] or key for key in ignored} <= unused | {
        key for key in ignored if key.endswith("mask_token")
    }


def test_a_name_from_elsewhere() -> None:
    layout = published_models()["mixvpr-resnet50-128"].layout
    with pytest.raises(ModelError, match="layout mixvpr.*found one named optimizer.step"):
        layout.map_names(["backbone.model.conv1.weight", "optimizer.step"])


def test_two_tensors_for_one_place() -> None:
    layout = published_models()["salad-dinov2_b14-8448"].layout
    with pytest.raises(ModelError, match="one tensor for .*cls_token, found backbone.cls_token and backbone.model"):
        layout.map_names(["backbone.cls_token", "backbone.model.cls_token"])


def test_layouts_need_no_torch() -> None:
    source = importlib.util.find_spec("lofivpr.models.weights.layout")
    assert source is not None and source.origin is not None
    with open(source.origin, encoding="utf-8") as file:
        assert "import torch" not in file.read()
