from __future__ import annotations

import pytest
import torch
from small import features, linear, locations, small, tokens, unit
from torch import nn

from lofivpr.models import ModelError
from lofivpr.models.aggregators.salad import transport

SMALL = {
    "salad": {"clusters": 3, "cluster_dim": 2, "token_dim": 4, "hidden": 5},
    "megaloc": {"dim": 9, "clusters": 3, "cluster_dim": 2, "token_dim": 4, "hidden": 5},
}
OF_448 = {
    "salad": {"cluster_dim": 128, "clusters": 3, "hidden": 16, "token_dim": 64},
    "megaloc": {"dim": 448, "cluster_dim": 8, "clusters": 3, "hidden": 16, "token_dim": 64},
}


def mlp(layers: nn.Sequential, x: torch.Tensor) -> torch.Tensor:
    first, last = layers[0], layers[-1]
    return linear(last, linear(first, x).clamp(min=0))


def sinkhorn(scores: torch.Tensor, dustbin: float, rounds: int) -> torch.Tensor:
    """Scaling of exp(scores) itself, row by row and column by column: m + 1 rows, n columns."""
    m, n = scores.shape
    plan = torch.cat([scores, torch.full((1, n), dustbin, dtype=scores.dtype)]).exp()
    mass = [1.0] * m + [float(n - m)]
    for _ in range(rounds):
        plan = torch.stack([row / row.sum() * wanted for row, wanted in zip(plan, mass, strict=True)])
        plan = torch.stack([column / column.sum() for column in plan.T]).T
    return plan


def reference(layer: nn.Module, picture: torch.Tensor, token: torch.Tensor) -> torch.Tensor:
    places = locations(picture)
    scores = torch.stack([mlp(layer.score, v) for v in places]).T
    plan = sinkhorn(scores, float(layer.dustbin), 3)
    local = [mlp(layer.local, v) for v in places]
    clusters = [unit(sum(plan[j, i] * local[i] for i in range(len(places)))) for j in range(layer.clusters)]
    # Channel-major, as published: all clusters' entry 0, then entry 1, ...
    flat = [clusters[j][c] for c in range(len(local[0])) for j in range(layer.clusters)]
    return unit(torch.cat([unit(mlp(layer.token, token)), torch.stack(flat)]))


def test_equals_the_definition() -> None:
    layer, x, token = small("salad"), features(), tokens()
    wanted = torch.stack([reference(layer, picture, t) for picture, t in zip(x, token, strict=True)])
    torch.testing.assert_close(layer(x, token), wanted, atol=1e-12, rtol=0)


def test_without_a_token_the_mean_stands_in() -> None:
    layer, x = small("salad"), features()
    torch.testing.assert_close(layer(x), layer(x, x.mean(dim=(2, 3))))


def test_the_plan_has_the_marginals_of_the_paper() -> None:
    scores = 3 * torch.randn(2, 4, 11, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    plan = transport(scores, torch.tensor(0.7, dtype=torch.float64), rounds=300)
    torch.testing.assert_close(plan.sum(dim=1), torch.ones(2, 11, dtype=torch.float64))
    torch.testing.assert_close(
        plan.sum(dim=2)[0], torch.tensor([1, 1, 1, 1, 7], dtype=torch.float64), atol=1e-6, rtol=0
    )


def test_great_scores_do_not_overflow() -> None:
    plan = transport(torch.tensor([[[900.0, -900.0, 0.0]]]), torch.tensor(1.0))
    assert plan.isfinite().all()


def test_too_few_locations_are_refused() -> None:
    with pytest.raises(ModelError, match="more locations than the 3 clusters"):
        small("salad")(features()[:, :, :1, :3])


def test_megaloc_is_salad_and_a_layer() -> None:
    layer, x, token = small("megaloc"), features(), tokens()
    wanted = [unit(linear(layer.fc, reference(layer.salad, *pair))) for pair in zip(x, token, strict=True)]
    torch.testing.assert_close(layer(x, token), torch.stack(wanted), atol=1e-12, rtol=0)


def test_published_sizes() -> None:
    from lofivpr.models.registry import build_aggregator

    assert build_aggregator("salad", 768, {}).size == 8448
    with torch.device("meta"):
        megaloc = build_aggregator("megaloc", 768, {})
    assert megaloc.size == 8448 and megaloc.salad.size == 16640
