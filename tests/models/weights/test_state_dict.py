"""Import of whole files: small variants of every layout, and what is refused."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from published import boq_head, cosplace_resnet, cricavpr, dense, dinov2, fill, salad_head
from safetensors.torch import save_file
from torch.nn import functional as F

from lofivpr.models import ModelError, OnnxModel, PlaceModel, read_card
from lofivpr.models.weights.layout import Published, published_models
from lofivpr.models.weights.state_dict import import_published, import_state_dict

SALAD = {"clusters": 4, "cluster_dim": 8, "token_dim": 6, "hidden": 10}
TINY = {"dim": 32, "depth": 2, "patches": 4, "ratio": 2}


def tiny(name: str, backbone: str = "tiny_vit", **options: Any) -> Published:
    """A published model on the tiny transformer, so that its file is small."""
    entry = published_models()[name]
    return dataclasses.replace(entry, backbone=backbone, options=options, size=(56, 42))


def variants() -> dict[str, tuple[Published, dict[str, tuple[int, ...]]]]:
    vit = dinov2("backbone.model.", **TINY)
    return {
        "salad": (tiny("salad-dinov2_b14-8448", **SALAD), vit | salad_head("aggregator.", 32, 4, 8, 6, 10)),
        "megaloc": (
            tiny("megaloc-dinov2_b14-8448", dim=12, **SALAD),
            vit | salad_head("aggregator.agg.", 32, 4, 8, 6, 10) | dense("aggregator.linear", 12, 38),
        ),
        "boq": (
            tiny("boq-dinov2_b14-12288", "tiny_vit:norm=0", dim=16, queries=3, rows=2, heads=2),
            dinov2("backbone.dino.", **TINY) | boq_head(32, 16, 3, 2, 2),
        ),
        "cricavpr": (
            tiny("cricavpr-dinov2_b14-10752", "tiny_vit:adapters=1", wide=20),
            cricavpr(**TINY, wide=20),
        ),
    }


def write(tensors: dict[str, torch.Tensor], path: Path, inside: str = "") -> Path:
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        extra = {"epoch": 3, "pytorch-lightning_version": "1.8"} if inside else {}
        torch.save({inside: tensors, **extra} if inside else tensors, path)
    return path


@pytest.mark.parametrize(
    ("kind", "file", "inside"),
    [
        ("salad", "dino_salad.ckpt", ""),
        ("salad", "whole.ckpt", "state_dict"),
        ("megaloc", "model.safetensors", ""),
        ("boq", "dinov2_12288.pth", ""),
        ("cricavpr", "CricaVPR.pth", "model_state_dict"),
    ],
)
def test_a_file_becomes_a_model_folder(
    kind: str, file: str, inside: str, tmp_path: Path, pictures: list[np.ndarray]
) -> None:
    entry, shapes = variants()[kind]
    tensors = fill(shapes)
    imported = import_published(write(tensors, tmp_path / file, inside), entry, tmp_path / "model")
    loaded = PlaceModel.load(tmp_path / "model")
    wanted = imported.describe(pictures)
    assert loaded.digest == imported.digest
    np.testing.assert_allclose(loaded.describe(pictures), wanted, atol=1e-6)
    np.testing.assert_allclose(OnnxModel.load(tmp_path / "model").describe(pictures), wanted, atol=1e-4)
    card = read_card(tmp_path / "model")
    assert card["imported"]["file"] == file and card["imported"]["layout"] == entry.layout.name
    assert card["weights"] == {"source": entry.layout.source, "licence": entry.layout.licence}
    # Each tensor of the file is in the folder, but those that the layout leaves out.
    sums = sorted(
        float(t.double().sum())
        for k, t in tensors.items()
        if not k.endswith(("mask_token", "dino.norm.weight", "dino.norm.bias"))
    )
    assert sorted(float(t.astype(np.float64).sum()) for t in loaded.weights().values()) == pytest.approx(sums)


def by_torchvision(tensors: dict[str, torch.Tensor], images: torch.Tensor) -> torch.Tensor:
    """CosPlace on ResNet-18 written as functions of the file's own tensors."""

    def bn(name: str, x: torch.Tensor) -> torch.Tensor:
        running = tensors[f"{name}.running_mean"], tensors[f"{name}.running_var"]
        return F.batch_norm(x, *running, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    x = F.conv2d(images, tensors["backbone.0.weight"], stride=2, padding=3)
    x = F.max_pool2d(bn("backbone.1", x).relu(), 3, stride=2, padding=1)
    for stage in (4, 5, 6, 7):
        for block in (0, 1):
            name, stride = f"backbone.{stage}.{block}", 2 if block == 0 and stage > 4 else 1
            y = bn(f"{name}.bn1", F.conv2d(x, tensors[f"{name}.conv1.weight"], stride=stride, padding=1)).relu()
            y = bn(f"{name}.bn2", F.conv2d(y, tensors[f"{name}.conv2.weight"], padding=1))
            if f"{name}.downsample.0.weight" in tensors:
                x = bn(f"{name}.downsample.1", F.conv2d(x, tensors[f"{name}.downsample.0.weight"], stride=stride))
            x = (x + y).relu()
    p = tensors["aggregation.1.p"]
    x = F.normalize(x, dim=1).clamp(min=1e-6).pow(p).mean(dim=(2, 3)).pow(1 / p)
    return F.normalize(F.linear(x, tensors["aggregation.3.weight"], tensors["aggregation.3.bias"]), dim=1)


def test_cosplace_gives_the_descriptors_of_its_own_tensors(tmp_path: Path) -> None:
    tensors = fill(cosplace_resnet("resnet18", 64))
    file = write(tensors, tmp_path / "ResNet18_64_cosplace.pth")
    model = import_state_dict(file, "cosplace-resnet18-64", tmp_path / "model", onnx=False)
    images = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        torch.testing.assert_close(model(images).descriptor, by_torchvision(tensors, images), atol=1e-5, rtol=0)
    assert model.config.mean == (0.485, 0.456, 0.406) and model.config.interpolation == "bilinear"


def refused(tensors: dict[str, torch.Tensor], tmp_path: Path) -> str:
    entry, _ = variants()["salad"]
    with pytest.raises(ModelError) as caught:
        import_published(write(tensors, tmp_path / "a.ckpt"), entry, tmp_path / "model", onnx=False)
    assert not (tmp_path / "model").exists()
    return str(caught.value)


def test_the_first_difference_is_named(tmp_path: Path) -> None:
    tensors = fill(variants()["salad"][1])
    missing = {k: v for k, v in tensors.items() if k != "backbone.model.blocks.1.ls1.gamma"}
    assert "backbone.layers.blocks.1.ls1.gamma of shape (32,), found none" in refused(missing, tmp_path)
    other = tensors | {"aggregator.score.3.weight": torch.zeros(5, 10, 1, 1)}
    assert "shape (4, 10, 1, 1) for aggregator.score.3.weight" in (message := refused(other, tmp_path))
    assert "found (5, 10, 1, 1)" in message
    assert "named aggregator.more" in refused(tensors | {"aggregator.more": torch.zeros(1)}, tmp_path)
    deeper = tensors | {"backbone.model.blocks.2.ls1.gamma": torch.zeros(32)}
    assert "expected no tensor backbone.model.blocks.2.ls1.gamma" in refused(deeper, tmp_path)


class Evil:
    """Writes a file when it is unpickled, which must not happen."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_a_pickle_that_would_run_code_is_refused(tmp_path: Path) -> None:
    entry, _ = variants()["salad"]
    torch.save({"state_dict": Evil(tmp_path / "ran")}, tmp_path / "evil.ckpt")
    (tmp_path / "plain.ckpt").write_bytes(pickle.dumps(Evil(tmp_path / "ran")))
    for name in ("evil.ckpt", "plain.ckpt"):
        with pytest.raises(ModelError, match="expected tensors and plain values"):
            import_published(tmp_path / name, entry, tmp_path / "model")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("values", "message"),
    [([1, 2], "found a list"), ({"epoch": 3}, "named tensors in .*found epoch"), ({}, "found nothing")],
)
def test_files_without_tensors(values: Any, message: str, tmp_path: Path) -> None:
    entry, _ = variants()["salad"]
    torch.save(values, tmp_path / "a.pth")
    with pytest.raises(ModelError, match=message):
        import_published(tmp_path / "a.pth", entry, tmp_path / "model")


def test_no_file_no_name_and_a_broken_one(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="found no file.*gmberton/CosPlace"):
        import_state_dict(tmp_path / "x.pth", "cosplace-resnet18-64", tmp_path / "model")
    with pytest.raises(ModelError, match="mixvpr-resnet50-4096.*found 'mixvpr'"):
        import_state_dict(tmp_path / "x.pth", "mixvpr", tmp_path / "model")
    (tmp_path / "x.safetensors").write_bytes(b"no")
    with pytest.raises(ModelError, match="expected safetensors"):
        import_state_dict(tmp_path / "x.safetensors", "megaloc-dinov2_b14-8448", tmp_path / "model")
