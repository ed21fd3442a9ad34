from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from lofivpr.models.position_embedding import bicubic_weights, resize_positions


def positions(side: int = 7) -> torch.Tensor:
    return torch.randn(1, side * side, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("grid", [(7, 7), (4, 9), (11, 5), (3, 3)])
@pytest.mark.parametrize(("offset", "antialias"), [(0.1, False), (0.0, True), (0.0, False)])
def test_equals_torchs_interpolation(grid: tuple[int, int], offset: float, antialias: bool) -> None:
    x = positions()
    if grid == (7, 7):
        assert resize_positions(x, grid, offset, antialias) is x  # as DINOv2: no offset for its own size
        return
    square = x.unflatten(1, (7, 7)).permute(0, 3, 1, 2)
    how = {"mode": "bicubic", "antialias": antialias}
    if offset:
        how |= {"scale_factor": tuple((side + offset) / 7 for side in grid)}
    else:
        how |= {"size": grid}
    wanted = F.interpolate(square, **how).flatten(2).transpose(1, 2)  # type: ignore[arg-type]
    torch.testing.assert_close(resize_positions(x, grid, offset, antialias), wanted, atol=2e-5, rtol=0)


@pytest.mark.parametrize("antialias", [False, True])
def test_a_constant_stays_constant(antialias: bool) -> None:
    for wanted in (1, 3, 20):
        assert bicubic_weights(7, wanted, antialias=antialias).sum(axis=1) == pytest.approx(1, abs=1e-6)
