from __future__ import annotations

import torch
from timm.models.vision_transformer import Block
from torch.nn import functional as F

from lofivpr.models.conv_adapter import AdaptedBlock, ConvAdapter


def tokens() -> torch.Tensor:
    return torch.randn(2, 1 + 6, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def convolved(branch: torch.nn.Module, patches: torch.Tensor) -> torch.Tensor:
    """Convolution and normalisation by their formulas, on N x C x h x w, at every location."""
    conv, bn = branch.conv, branch.bn
    k = conv.kernel_size[0]
    padded = F.pad(patches, (k // 2,) * 4)
    windows = padded.unfold(2, k, 1).unfold(3, k, 1)
    out = torch.einsum("nchwij,ocij->nohw", windows, conv.weight) + conv.bias[:, None, None]
    mean, variance, scale, shift = (x[:, None, None] for x in (bn.running_mean, bn.running_var, bn.weight, bn.bias))
    return ((out - mean) / (variance + 0.001).sqrt() * scale + shift).clamp(min=0)


def test_equals_the_description() -> None:
    torch.manual_seed(0)
    layer = ConvAdapter(64).double().eval()
    for buffer in layer.buffers():
        if buffer.is_floating_point():
            buffer.uniform_(0.5, 1.5)
    x = tokens()
    small = (x @ layer.down.weight.T + layer.down.bias).clamp(min=0)
    patches = small[:, 1:].reshape(2, 2, 3, 32).permute(0, 3, 1, 2)
    parts = [convolved(layer.branch1, patches)]
    parts += [convolved(branch[1], convolved(branch[0], patches)) for branch in (layer.branch3, layer.branch5)]
    assert [part.shape[1] for part in parts] == [16, 8, 8]
    wanted = small.clone()  # the class token's own only
    wanted[:, 1:] += torch.cat(parts, dim=1).permute(0, 2, 3, 1).reshape(2, 6, 32)
    wanted[:, :1] += small[:, :1]
    torch.testing.assert_close(layer(x, (2, 3), 1), wanted @ layer.up.weight.T + layer.up.bias)


def test_widths_of_the_paper() -> None:
    with torch.device("meta"):
        layer = ConvAdapter(768)
    assert layer.down.out_features == 384 and layer.branch1.conv.out_channels == 192
    assert layer.branch3[0].conv.out_channels == 24 and layer.branch5[1].conv.out_channels == 96


def test_beside_the_mlp() -> None:
    torch.manual_seed(0)
    block = Block(64, 2, init_values=0.5).double().eval()
    adapted = AdaptedBlock(block).double().eval()
    x = tokens()
    wanted = block(x)
    middle = x + block.ls1(block.attn(block.norm1(x)))
    wanted = wanted + 0.2 * block.ls2(adapted.adapter(block.norm2(middle), (2, 3), 1))
    torch.testing.assert_close(adapted(x, (2, 3), 1), wanted)
