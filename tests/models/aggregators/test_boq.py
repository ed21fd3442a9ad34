from __future__ import annotations

import torch
from small import attend, encode, features, layer_norm, linear, small, unit

from lofivpr.models.aggregators.boq import BoQBlock
from lofivpr.models.registry import build_aggregator

SMALL = {"boq": {"dim": 8, "queries": 3, "layers": 2, "rows": 2, "heads": 2}}
OF_448 = {"boq": {"dim": 32, "rows": 14, "queries": 4, "heads": 2}}


def convolve(layer: torch.nn.Conv2d, picture: torch.Tensor) -> list[torch.Tensor]:
    """3 x 3 convolution with zeros around, one location at a time."""
    rows, columns = picture.shape[1:]
    found = []
    for i in range(rows):
        for j in range(columns):
            total = layer.bias.clone()
            for di in (-1, 0, 1):
                for dj in (-1, 0, 1):
                    if 0 <= i + di < rows and 0 <= j + dj < columns:
                        total = total + layer.weight[:, :, di + 1, dj + 1] @ picture[:, i + di, j + dj]
            found.append(total)
    return found


def test_equals_the_definition() -> None:
    layer, x = small("boq"), features(2)
    rows = []
    for picture in x:
        local = [layer_norm(layer.norm_input, v) for v in convolve(layer.project, picture)]
        answers = []
        for block in layer.blocks:
            local = encode(block.encoder, local)
            queries = list(block.queries[0])
            asked = attend(block.self_attn, queries, queries)
            asked = [layer_norm(block.norm_q, q + a) for q, a in zip(queries, asked, strict=True)]
            answers += [layer_norm(block.norm_out, v) for v in attend(block.cross_attn, asked, local)]
        # A weighted sum of all queries' answers, for each channel.
        rows.append(unit(torch.cat([linear(layer.fc, torch.stack([a[c] for a in answers])) for c in range(8)])))
    torch.testing.assert_close(layer(x), torch.stack(rows), atol=1e-11, rtol=0)


def test_a_block_knows_no_order_and_no_repetition() -> None:
    torch.manual_seed(0)
    block = BoQBlock(8, 3, 2).double()
    x = torch.randn(2, 6, 8, dtype=torch.float64)
    answers = block(x)[1]
    torch.testing.assert_close(block(x[:, [3, 1, 0, 5, 4, 2]])[1], answers)
    torch.testing.assert_close(block(torch.cat([x, x], dim=1))[1], answers)


def test_published_sizes() -> None:
    with torch.device("meta"):
        assert build_aggregator("boq", 1024, {}).size == 16384
        dinov2 = build_aggregator("boq", 768, {"dim": 384})
    assert dinov2.size == 12288 and dinov2.blocks[0].cross_attn.heads == 6
