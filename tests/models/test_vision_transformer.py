from __future__ import annotations

from typing import Any

import pytest
import timm
import torch

from lofivpr.models import ModelError, create_model, registry
from lofivpr.models.vision_transformer import _backbone


def pair(registers: bool, layer: int | None = None, facet: str = "token", norm: bool = True) -> tuple[Any, Any]:
    """timm's own network and the backbone made of its weights: two blocks at the size that timm takes."""
    kind = {"embed_dim": 32, "depth": 2, "num_heads": 2, "img_size": 56, "num_classes": 0, "init_values": 0.5}
    name = "vit_small_patch14_reg4_dinov2" if registers else "vit_small_patch14_dinov2"
    torch.manual_seed(0)
    network: Any = timm.create_model(name, pretrained=False, **kind).eval()
    for parameter in network.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return network, _backbone(network, layer, facet, norm, False, True, "here").eval()


IMAGES = torch.randn(2, 3, 56, 56, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("registers", [False, True])
def test_equals_unmodified_timm(registers: bool) -> None:
    network, backbone = pair(registers)
    with torch.no_grad():
        tokens = network.forward_features(IMAGES)
        features, token = backbone.see(IMAGES)
    first = 5 if registers else 1
    assert features.shape == (2, 32, 4, 4)
    torch.testing.assert_close(token, tokens[:, 0])
    torch.testing.assert_close(features[1, :, 2, 3], tokens[1, first + 2 * 4 + 3])
    torch.testing.assert_close(backbone(IMAGES), features)


def test_layer_without_normalisation_and_facets() -> None:
    network, _ = pair(False)
    seen: dict[str, torch.Tensor] = {}
    network.blocks[0].register_forward_hook(lambda *call: seen.update(block=call[2]))
    network.blocks[1].attn.qkv.register_forward_hook(lambda *call: seen.update(qkv=call[2]))
    network.blocks[1].register_forward_hook(lambda *call: seen.update(last=call[2]))
    with torch.no_grad():
        network(IMAGES)
        for options, wanted in (
            ({"layer": 0}, seen["block"]),
            ({"norm": False}, seen["last"]),
            ({"layer": 1, "facet": "query"}, seen["qkv"][..., :32]),
            ({"layer": 1, "facet": "key"}, seen["qkv"][..., 32:64]),
            ({"layer": 1, "facet": "value"}, seen["qkv"][..., 64:]),
        ):
            _, backbone = pair(False, **options)  # type: ignore[arg-type]
            features, token = backbone.see(IMAGES)
            torch.testing.assert_close(features.flatten(2).transpose(1, 2), wanted[:, 1:])
            torch.testing.assert_close(token, wanted[:, 0])
            assert options.get("facet", "token") in backbone.features_name


@pytest.mark.parametrize("name", ["tiny_vit", "tiny_vit:layer=0", "tiny_vit:layer=1,facet=key", "tiny_vit:adapters=1"])
def test_stages_hold_every_parameter_once(name: str) -> None:
    backbone = registry.backbone_builder(name)(pretrained=False)
    in_stages = [id(p) for stage in backbone.stages() for module in stage for p in module.parameters()]
    assert sorted(in_stages) == sorted(id(p) for p in backbone.parameters())
    assert all(p.isfinite().all() for p in backbone.parameters())
    assert backbone.eval()(torch.zeros(1, 3, 28, 42)).shape == (1, 32, 2, 3)


def test_sizes_are_multiples_of_14() -> None:
    assert create_model("gem-tiny_vit").config.size == (322, 238)  # the nearest to 320 x 240
    with pytest.raises(ModelError, match="multiples of 14, found 320 x 240. The nearest is 322 x 238"):
        create_model("gem-tiny_vit", size=(320, 240))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tiny_vit:layer=2", "layer=0 to 1"),
        ("tiny_vit:facet=soul", "facet=token, query, key, value"),
        ("tiny_vit:colour=3", "options that the backbone tiny_vit knows.*colour"),
        ("tiny_vit:layer", "option=value"),
    ],
)
def test_what_is_not_there(name: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        registry.backbone_builder(name)(pretrained=False)


def test_never_downloads_unasked() -> None:
    with pytest.raises(ModelError, match="permission to download dinov2_b14"):
        registry.backbone_builder("dinov2_b14")()
