from __future__ import annotations

import pytest
import torch
from small import attend, encode
from torch import nn
from torch.nn import functional as F

from lofivpr.models.aggregators.attention import Attention, EncoderLayer


def random(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(len(shape)))


def test_attention_equals_its_definition_and_torchs() -> None:
    torch.manual_seed(0)
    layer = Attention(8, 2).double()
    layer.in_proj_bias.data.normal_()
    queries, memory = random(2, 3, 8), random(2, 5, 8) * 2
    found = layer(queries, memory)
    wanted = torch.stack([torch.stack(attend(layer, list(q), list(m))) for q, m in zip(queries, memory, strict=True)])
    torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)
    theirs = nn.MultiheadAttention(8, 2, batch_first=True).double()
    theirs.load_state_dict(layer.state_dict())  # the same names and shapes
    torch.testing.assert_close(found, theirs(queries, memory, memory)[0], atol=1e-12, rtol=0)
    torch.testing.assert_close(layer(queries[:1], memory), layer(queries[:1].expand(2, -1, -1), memory))


@pytest.mark.parametrize("activation", [F.relu, F.gelu])
def test_layer_equals_its_definition_and_torchs(activation: object) -> None:
    torch.manual_seed(0)
    layer = EncoderLayer(8, 2, 5, activation).double().eval()  # type: ignore[arg-type]
    for parameter in layer.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    x = random(2, 4, 8)
    wanted = torch.stack([torch.stack(encode(layer, list(tokens))) for tokens in x])
    torch.testing.assert_close(layer(x), wanted, atol=1e-12, rtol=0)
    theirs = nn.TransformerEncoderLayer(8, 2, 5, activation=activation, batch_first=True).double().eval()  # type: ignore
    theirs.load_state_dict(layer.state_dict())
    torch.testing.assert_close(layer(x), theirs(x), atol=1e-12, rtol=0)
