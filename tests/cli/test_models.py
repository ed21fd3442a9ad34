"""`models list`, `models show` and `models import`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import torch

from lofivpr.models import PlaceModel, aggregator_names, backbone_names, load_describer

Done = Callable[..., str]


def test_list_names_what_train_takes(done: Done) -> None:
    words = done("models", "list").split()
    for name in [*backbone_names(), *aggregator_names()]:
        assert name in words


def test_show_prints_the_configuration_and_the_card(done: Done, teacher: Path) -> None:
    shown = json.loads(done("models", "show", teacher))
    assert shown["backbone"] == "tiny" and shown["size"] == [64, 48]
    assert shown["digest"] == load_describer(teacher).digest
    assert shown["card"]["weights"]["source"]


def test_list_names_the_published_weights_with_their_licence(done: Done) -> None:
    lines = done("models", "list").splitlines()
    (line,) = [line for line in lines if " vgg16-netvlad " in line]
    assert "weights" in line and "BSD-3-Clause" in line
    (line,) = [line for line in lines if " mixvpr-resnet50-4096 " in line]
    for fact in (" 4096 ", " 10.9 ", " 16.8 ", "320x320 only", "https://github.com/amaralibey/MixVPR"):
        assert fact in line


def test_import_makes_a_folder(done: Done, refused: Done, tmp_path: Path) -> None:
    state = {f"features.{name}": tensor for name, tensor in vgg16_features()}
    torch.save(state, tmp_path / "vgg16.pth")
    words = ("models", "import", tmp_path / "vgg16.pth", "vgg16-gem", "--out", tmp_path / "gem", "--no-onnx")
    assert "descriptors of 512 numbers" in done(*words)
    shown = json.loads(done("models", "show", tmp_path / "gem"))
    assert shown["digest"] == PlaceModel.load(tmp_path / "gem").digest and shown["backbone"] == "vgg16"
    card = shown["card"]
    assert card["imported"]["file"] == "vgg16.pth" and card["weights"]["licence"] == "BSD-3-Clause"
    assert "expected a new folder" in refused(*words)


def test_import_tells_what_is_wrong(refused: Done, places: Path, tmp_path: Path) -> None:
    torch.save({"features.0.weight": torch.zeros(64, 3, 5, 5)}, tmp_path / "vgg16.pth")
    words = ("models", "import", tmp_path / "vgg16.pth")
    assert "vgg16-netvlad" in refused(*words, "vgg16-netvald", "--out", tmp_path / "out")
    assert "found none" in refused(*words, "vgg16-netvlad", "--out", tmp_path / "out")
    told = refused(*words, "vgg16-netvlad", "--out", tmp_path / "out", "--places", places)
    assert "expected shape (64, 3, 3, 3) for features.0.weight" in told and "(64, 3, 5, 5)" in told


def vgg16_features() -> Iterator[tuple[str, torch.Tensor]]:
    wide = 3
    for number, width in zip(
        (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28),
        (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512),
        strict=True,
    ):
        yield f"{number}.weight", 0.02 * torch.randn(width, wide, 3, 3, generator=torch.Generator().manual_seed(number))
        yield f"{number}.bias", torch.zeros(width)
        wide = width
