from __future__ import annotations

import pytest
import torch
from small import features, layer_norm, linear, small, unit

from lofivpr.models import ModelError, create_model

SMALL = {"mixvpr": {"locations": 20, "dim": 3, "rows": 2, "depth": 2, "ratio": 0.5}}
OF_448 = {"mixvpr": {"dim": 112, "depth": 2}}


def test_equals_the_equations() -> None:
    layer, x = small("mixvpr"), features()
    rows = []
    for picture in x:
        maps = [channel.flatten() for channel in picture]
        for mixer in layer.mixers:
            hidden = [linear(mixer.expand, layer_norm(mixer.norm, row)) for row in maps]
            maps = [row + linear(mixer.shrink, h.clamp(min=0)) for row, h in zip(maps, hidden, strict=True)]
        # Depth-wise (channels), then row-wise (locations) projection: equations 3 and 4.
        by_location = [linear(layer.channel_projection, torch.stack([row[p] for row in maps])) for p in range(20)]
        projected = [linear(layer.row_projection, torch.stack([v[c] for v in by_location])) for c in range(3)]
        rows.append(unit(torch.cat(projected)))
    torch.testing.assert_close(layer(x), torch.stack(rows), atol=1e-12, rtol=0)


def test_a_new_model_mixes_the_locations_of_its_size() -> None:
    model = create_model("tiny", "mixvpr", size=(96, 64), dim=4, rows=2)
    assert model.aggregator.locations == 24 and model.config.aggregator_options["locations"] == 24
    with pytest.raises(ModelError, match="24 locations.*found 6 "):
        model(torch.zeros(1, 3, 32, 48))
