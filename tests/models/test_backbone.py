from __future__ import annotations

import math
from collections import OrderedDict

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from lofivpr.models import ModelError
from lofivpr.models.backbone import PaddedConv2d, cut_after


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [2, 6, 30])
def test_constant_padding_is_tensorflows_same_for_even_sizes(kernel: int, size: int) -> None:
    conv = PaddedConv2d(2, 2, kernel, stride=2, groups=2, bias=False)
    total = max((math.ceil(size / 2) - 1) * 2 + kernel - size, 0)
    images = torch.randn(1, 2, size, size)
    padded = F.pad(images, (total // 2, total - total // 2) * 2)
    torch.testing.assert_close(conv(images), F.conv2d(padded, conv.weight, stride=2, groups=2))


def network() -> nn.Sequential:
    inner = nn.Sequential(OrderedDict(a=nn.Conv2d(3, 4, 1), b=nn.ReLU()))
    return nn.Sequential(OrderedDict(stem=nn.Conv2d(3, 3, 1), body=inner, head=nn.Flatten()))


def test_cut_keeps_names_and_modules_up_to_the_named_one() -> None:
    whole = network()
    part = cut_after(whole, "body.a")
    assert list(part.state_dict()) == ["stem.weight", "stem.bias", "body.a.weight", "body.a.bias"]
    images = torch.randn(1, 3, 2, 2)
    torch.testing.assert_close(part(images), whole.body.a(whole.stem(images)))


@pytest.mark.parametrize("path", ["nowhere", "body.c"])
def test_cut_after_an_unknown_module_names_those_there(path: str) -> None:
    with pytest.raises(ModelError, match=path.split(".")[-1]):
        cut_after(network(), path)
