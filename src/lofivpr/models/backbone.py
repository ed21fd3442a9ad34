"""What a backbone is, and how one is cut out of a larger network."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.config import ModelError

LAYER_SCALE = 1e-5


class Backbone(nn.Module):
    """Layers from N x 3 x H x W to N x `channels` x H/`stride` x W/`stride`.

    `stage_names` are groups of module names inside `layers`, from the input on: what training freezes
    or trains together. `mean` and `std` are for pixels in 0..1. `features_name` says in words which layer
    the features are: those that ICKD compares.
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
        features_name: str = "the last layer",
    ) -> None:
        super().__init__()
        self.layers = layers
        self.channels, self.stride = channels, stride
        self.stage_names = [list(names) for names in stage_names]
        self.mean, self.std = tuple(mean), tuple(std)
        self.weights_source, self.weights_licence = weights_source, weights_licence
        self.features_name = features_name

    def forward(self, images: Tensor) -> Tensor:
        """N x 3 x H x W normalised pictures to N x channels x H/stride x W/stride features."""
        return self.layers(images)

    def see(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """The features, and the global token (N x channels) of a backbone that has one, else None."""
        return self(images), None

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


def replace_same_padding(network: nn.Module) -> None:
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
                module.kernel_size[0],
                stride=module.stride[0],
                groups=module.groups,
                bias=module.bias is not None,
            )
        padded.weight, padded.bias = module.weight, module.bias
        setattr(network.get_submodule(parent), child, padded)


def without_weights(timm_name: str) -> nn.Module:
    """timm's network on the meta device: no memory and no time for parts that are cut away."""
    import timm

    with torch.device("meta"):
        return timm.create_model(timm_name, pretrained=False)


def normalisation(network: nn.Module) -> dict[str, tuple[float, float, float]]:
    """The mean and the deviation that a timm network states for pixels in 0..1."""
    stated: dict[str, Any] = network.default_cfg  # type: ignore[assignment]
    return {key: tuple(float(value) for value in stated[key]) for key in ("mean", "std")}  # type: ignore[misc]


def draw_weights(layers: nn.Sequential) -> nn.Sequential:
    """Give a network built on the meta device its random start, on torch's default device.

    Under `torch.device("meta")` it stays without memory: enough to count parameters and operations.
    """
    layers = layers.to_empty(device=torch.get_default_device())
    for module in layers.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.trunc_normal_(module.weight, std=0.02)
        elif isinstance(module, (nn.modules.batchnorm._BatchNorm, nn.LayerNorm)):
            module.reset_parameters()
        for name, parameter in module.named_parameters(recurse=False):
            if name == "bias":
                nn.init.zeros_(parameter)
            elif name == "gamma":  # of LayerScale and ConvNeXt: blocks that start close to the identity
                nn.init.constant_(parameter, LAYER_SCALE)
            elif name != "weight":  # tokens and positions
                nn.init.trunc_normal_(parameter, std=0.02)
    return layers
