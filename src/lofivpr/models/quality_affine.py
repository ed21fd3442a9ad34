"""Scale and shift of their own for each quality, in every normalisation of a network (FiLM, AAAI 2018)."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from lofivpr.models.condition import CONDITION_SIZE


class QualityAffine(nn.Module):
    """A layer, then `(1 + scale(q)) * y + shift(q)` per channel, before the activation.

    Scale and shift are linear in the condition and begin as 0: a new network with them is the network without,
    and at the null condition, `raw`, it always is.
    """

    def __init__(self, layer: nn.Module, channels: int) -> None:
        super().__init__()
        self.layer = layer
        self.affine = nn.Linear(CONDITION_SIZE, 2 * channels, bias=False)
        nn.init.zeros_(self.affine.weight)
        self.condition: Tensor | None = None  # N x CONDITION_SIZE, set by the model for each batch

    def forward(self, x: Tensor) -> Tensor:
        """The layer's output, N x C x h x w, or N x L x C behind a layer norm, modulated."""
        if self.condition is None:
            return self.layer(x)
        scale, shift = self.affine(self.condition).chunk(2, dim=1)
        if isinstance(self.layer, nn.modules.batchnorm._BatchNorm):
            return self._normalised(x, scale, shift)
        y = self.layer(x)
        if _channels_last(self.layer):
            dims = (slice(None), *(None,) * (y.ndim - 2))
        else:
            dims = (slice(None), slice(None), *(None,) * (y.ndim - 2))
        return torch.addcmul(shift[dims], y, 1 + scale[dims])

    def _normalised(self, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """Frozen statistics make batch norm an affine map too: both in one pass over the activations."""
        layer = cast(nn.BatchNorm2d, self.layer)
        assert layer.running_mean is not None and layer.running_var is not None
        factor = torch.rsqrt(layer.running_var + layer.eps) * layer.weight
        offset = layer.bias - layer.running_mean * factor
        scale = 1 + scale
        y = torch.addcmul((offset * scale + shift)[:, :, None, None], x, (factor * scale)[:, :, None, None])
        if hasattr(layer, "act"):  # timm's batch norm brings its activation
            y = layer.act(layer.drop(y))  # type: ignore[operator]
        return y


def add_quality_affines(network: nn.Module) -> list[QualityAffine]:
    """Put one behind every normalisation, or, where a network has none (VGG-16), behind every convolution."""
    norms = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm)
    has_norms = any(isinstance(module, norms) for module in network.modules())
    chosen = [
        (name, module)
        for name, module in network.named_modules()
        if isinstance(module, norms if has_norms else nn.Conv2d)
    ]
    affines = []
    for name, module in chosen:
        parent, _, child = name.rpartition(".")
        affine = QualityAffine(module, _channels(module))
        setattr(network.get_submodule(parent), child, affine)
        affines.append(affine)
    return affines


def _channels(layer: nn.Module) -> int:
    if isinstance(layer, nn.LayerNorm):
        return int(layer.normalized_shape[-1])
    return int(layer.out_channels if isinstance(layer, nn.Conv2d) else layer.num_features)  # type: ignore[arg-type]


def _channels_last(layer: nn.Module) -> bool:
    """A plain layer norm sees N x L x C; timm's LayerNorm2d, N x C x h x w."""
    return isinstance(layer, nn.LayerNorm) and not type(layer).__name__.endswith("2d")
