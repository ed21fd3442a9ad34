from __future__ import annotations

import pytest
import timm
import torch

from lofivpr.models import ModelError, registry
from lofivpr.models.convolutional import NETWORKS

IMAGES = torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(
    ("name", "module", "channels", "stride"),
    [
        ("resnet18", "layer3", 256, 16),
        ("resnet18:cut=layer4", "layer4", 512, 32),
        ("mobilenetv4_small", "blocks.2", 96, 16),
        ("convnext_tiny:cut=stages.1", "stages.1", 192, 8),
        ("efficientnet_lite1", "blocks.4", 112, 16),
    ],
)
def test_equals_unmodified_timm(name: str, module: str, channels: int, stride: int) -> None:
    backbone = registry.backbone_builder(name)(pretrained=False).eval()
    assert (backbone.channels, backbone.stride) == (channels, stride)
    network = timm.create_model(NETWORKS[name.partition(":")[0]][0], pretrained=False).eval()
    network.load_state_dict(backbone.layers.state_dict(), strict=False)  # what is cut away stays as it is
    seen: list[torch.Tensor] = []
    network.get_submodule(module).register_forward_hook(lambda *call: seen.append(call[2]))
    with torch.no_grad():
        network(IMAGES)
        found = backbone(IMAGES)
    assert found.shape == (2, channels, 64 // stride, 96 // stride)
    assert (found - seen[0]).abs().max() <= 1e-5 * seen[0].abs().max()
    assert module in backbone.features_name


@pytest.mark.parametrize("name", NETWORKS)
def test_stages_hold_every_parameter_once(name: str) -> None:
    with torch.device("meta"):
        backbone = registry.backbone_builder(name)(pretrained=False)
    in_stages = [id(p) for stage in backbone.stages() for module in stage for p in module.parameters()]
    assert sorted(in_stages) == sorted(id(p) for p in backbone.parameters())
    assert 4 <= len(backbone.stages()) <= 6


def test_what_is_not_there() -> None:
    with pytest.raises(ModelError, match="resnet18 cut after one of act1, layer1.*found cut=layer9"):
        registry.backbone_builder("resnet18:cut=layer9")(pretrained=False)
    with pytest.raises(ModelError, match="permission to download resnet50"):
        registry.backbone_builder("resnet50")()
