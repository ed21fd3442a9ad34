from __future__ import annotations

import pytest
import torch
from small import features, linear, locations, small, unit
from torch.nn import functional as F

from lofivpr.models.aggregators.convap import window_means

SMALL = {"convap": {"dim": 3, "rows": 2, "columns": 2}}
OF_448 = {"convap": {"dim": 112}}


def test_equals_the_definition() -> None:
    layer, x = small("convap"), features()
    rows = []
    for picture in x:
        # 4 x 5 locations in 2 x 2 windows: rows 0-1, 2-3; columns 0-2, 2-4, which share the middle one.
        reduced = dict(zip([(i, j) for i in range(4) for j in range(5)], locations(picture), strict=True))
        reduced = {place: linear(layer.reduce, v) for place, v in reduced.items()}
        windows = [
            [(i, j) for i in down for j in across] for down in ((0, 1), (2, 3)) for across in ((0, 1, 2), (2, 3, 4))
        ]
        means = [sum(reduced[place] for place in window) / 6 for window in windows]
        rows.append(unit(torch.stack([means[w][c] for c in range(3) for w in range(4)])))
    torch.testing.assert_close(layer(x), torch.stack(rows), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (2, 3), (4, 5)])
def test_windows_are_adaptive_average_pooling(rows: int, columns: int) -> None:
    x = features()
    torch.testing.assert_close(
        window_means(x, rows, columns), F.adaptive_avg_pool2d(x, (rows, columns)), rtol=1e-6, atol=1e-6
    )
