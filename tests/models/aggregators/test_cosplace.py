from __future__ import annotations

import torch
from small import features, linear, locations, small, unit

SMALL = {"cosplace": {"dim": 5}, "eigenplaces": {"dim": 5}}
OF_448 = {"cosplace": {"dim": 448}, "eigenplaces": {"dim": 448}}


def test_equals_the_definition() -> None:
    layer, x = small("cosplace"), features()
    rows = []
    for picture in x:
        normal = [unit(v) for v in locations(picture)]
        pooled = [(sum(max(v[c], 1e-6) ** layer.p for v in normal) / 20) ** (1 / layer.p) for c in range(6)]
        rows.append(unit(linear(layer.fc, torch.cat(pooled))))
    torch.testing.assert_close(layer(x), torch.stack(rows), atol=1e-12, rtol=0)


def test_eigenplaces_has_the_same_form() -> None:
    assert type(small("eigenplaces")) is type(small("cosplace"))
