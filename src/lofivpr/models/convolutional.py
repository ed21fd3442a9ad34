"""Convolutional backbones of timm: ResNet, ConvNeXt, MobileNetV4 and the larger EfficientNet-Lite."""

from __future__ import annotations

import functools

from torch import nn

from lofivpr.models.backbone import Backbone, cut_after, draw_weights, normalisation, replace_same_padding
from lofivpr.models.config import ModelError
from lofivpr.models.imagenet import timm_network
from lofivpr.models.registry import register_backbone

# By name: timm's name, and the module after which the network is cut unless `cut=...` says otherwise.
NETWORKS = {
    **{name: (name, "layer3") for name in ("resnet18", "resnet50", "resnet101", "resnet152")},
    **{name: (name, "stages.2") for name in ("convnext_tiny", "convnext_small")},
    "mobilenetv4_small": ("mobilenetv4_conv_small", "blocks.2"),
    "mobilenetv4_medium": ("mobilenetv4_conv_medium", "blocks.2"),
    **{f"efficientnet_lite{i}": (f"tf_efficientnet_lite{i}", "blocks.4") for i in range(1, 5)},
}


def convolutional(name: str, pretrained: bool = True, download: bool = False, cut: str = "") -> Backbone:
    """A network of `NETWORKS`, cut after the module `cut`: its channels and stride are timm's.

    Raises:
        ModelError: no such cut, or ImageNet weights without permission to download them.
    """
    timm_name, default = NETWORKS[name]
    network = timm_network(name, timm_name, pretrained, download)
    channels, stride = _cut_at(name, network, cut or default)
    if "efficientnet_lite" in name:
        replace_same_padding(network)
    layers = cut_after(network, cut or default)
    tag, licence = network.default_cfg.get("tag", ""), str(network.default_cfg.get("license", ""))  # type: ignore
    return Backbone(
        layers if pretrained else draw_weights(layers),
        channels=channels,
        stride=stride,
        stage_names=_stages(layers),
        **normalisation(network),
        weights_source=f"timm {timm_name}.{tag} (ImageNet)" if pretrained else "",
        weights_licence=licence if pretrained else "",
        features_name=f"output of {cut or default}",
    )


def _cut_at(name: str, network: nn.Module, cut: str) -> tuple[int, int]:
    """Channels and stride after a module, from timm's own table."""
    table = {entry["module"]: (entry["num_chs"], entry["reduction"]) for entry in network.feature_info}  # type: ignore
    if cut not in table:
        raise ModelError(f"expected {name} cut after one of {', '.join(table)}, found cut={cut}. Choose one of them.")
    return table[cut]


def _stages(layers: nn.Sequential) -> list[list[str]]:
    """The stem (all that comes before the first stage and has weights), then each stage."""
    stem: list[str] = []
    stages: list[list[str]] = []
    for name, child in layers.named_children():
        if name in ("blocks", "stages"):
            stages += [[f"{name}.{part}"] for part, _ in child.named_children()]
        elif name.startswith("layer"):
            stages.append([name])
        elif any(True for _ in child.parameters()):
            stem.append(name)
    return [stem, *stages]


for _name in NETWORKS:
    register_backbone(_name)(functools.partial(convolutional, _name))
