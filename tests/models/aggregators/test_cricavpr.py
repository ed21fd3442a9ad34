from __future__ import annotations

import pytest
import torch
from small import encode, features, locations, small, tokens, unit

from lofivpr.models import ModelError, create_model
from lofivpr.models.registry import build_aggregator

SMALL = {"cricavpr": {"heads": 2, "wide": 7}}
OF_448 = {"cricavpr": {"wide": 32}}


def pooled(layer: torch.nn.Module, region: torch.Tensor) -> torch.Tensor:
    normal = [unit(v) for v in locations(region)]
    p = layer.p
    return torch.cat([(sum(max(v[c], 1e-6) ** p for v in normal) / len(normal)) ** (1 / p) for c in range(6)])


def regions(layer: torch.nn.Module, picture: torch.Tensor, token: torch.Tensor) -> list[torch.Tensor]:
    """The pyramid over 4 x 5 locations: halves at 2 and 2, thirds at 1, 3 and 2, 3."""
    found = [token]
    for rows, columns in ([(0, 2, 4), (0, 2, 5)], [(0, 1, 3, 4), (0, 2, 3, 5)]):
        for top, bottom in zip(rows, rows[1:], strict=False):
            for left, right in zip(columns, columns[1:], strict=False):
                found.append(pooled(layer, picture[:, top:bottom, left:right]))
    return found


@pytest.mark.parametrize("mixing", ["always", "never"])
def test_equals_the_definition(mixing: str) -> None:
    layer, x, token = small("cricavpr", mixing=mixing), features(), tokens()
    pictures = [regions(layer, picture, t) for picture, t in zip(x, token, strict=True)]
    for block in layer.layers:
        if mixing == "always":  # region r of all pictures sees region r of all pictures
            columns = [encode(block, [picture[r] for picture in pictures]) for r in range(14)]
            pictures = [[columns[r][n] for r in range(14)] for n in range(3)]
        else:
            pictures = [[encode(block, [region])[0] for region in picture] for picture in pictures]
    wanted = torch.stack([unit(torch.cat(picture)) for picture in pictures])
    torch.testing.assert_close(layer(x, token), wanted, atol=1e-11, rtol=0)


def test_pictures_see_each_other_only_where_that_was_asked_for() -> None:
    x, token = features(), tokens()
    alone = small("cricavpr", mixing="never")(x, token)
    default, always = small("cricavpr", dropout=0.0), small("cricavpr", mixing="always")
    torch.testing.assert_close(default(x, token), alone)
    torch.testing.assert_close(always(x[:1], token[:1]), alone[:1])  # a batch of one
    together = always(x, token)
    assert (together - alone).abs().max() > 1e-3
    torch.testing.assert_close(default.train()(x, token), together)
    assert not default.batch_independent and not always.batch_independent
    assert small("cricavpr", mixing="never").batch_independent


def test_gradients_across_the_pictures_of_a_batch() -> None:
    layer = small("cricavpr", mixing="always", layers=1)
    direction = torch.randn(layer.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1))

    def similarity(x: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
        return layer(x, token)[0] @ direction  # of the first picture, to both

    x, token = (features(2).abs() + 0.1).requires_grad_(), tokens(2).requires_grad_()
    assert torch.autograd.gradcheck(similarity, (x, token), fast_mode=True)
    grad = torch.autograd.grad(similarity(x, token), x)[0]
    assert grad[1].abs().max() > 1e-6


def test_describing_never_mixes(pictures: list) -> None:
    model = create_model("tiny", "cricavpr", size=(96, 64), wide=8, mixing="always")
    assert not model.batch_independent
    both = model.describe(pictures[:2])
    assert abs(both[0] - model.describe(pictures[:1])[0]).max() == 0


def test_the_pyramid_of_the_paper() -> None:
    from lofivpr.models.aggregators.cricavpr import _cuts

    assert _cuts(16, 2) == [0, 8, 16] and _cuts(16, 3) == [0, 5, 11, 16]
    with torch.device("meta"):
        assert build_aggregator("cricavpr", 768, {}).size == 10752
    with pytest.raises(ModelError, match="at least 3 x 3"):
        small("cricavpr")(features()[:, :, :2])
    with pytest.raises(ModelError, match="mixing=training"):
        small("cricavpr", mixing="often")
