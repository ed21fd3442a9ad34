"""What holds for every aggregator: unit length, independence of the batch, gradients; and what for some."""

from __future__ import annotations

import pytest
import torch
from small import OPTIONS, features, small, tokens
from torch import nn
from torch.nn import functional as F

from lofivpr.models import aggregator_names

TAKES_TOKEN = {"cricavpr", "megaloc", "salad"}
# Sums or means over locations: any order is as good. (BoQ's and MixVPR's layers know where a location is.)
NO_ORDER = ("cosplace", "gem", "megaloc", "netvlad", "salad", "vlad")


def run(layer: nn.Module, x: torch.Tensor, token: torch.Tensor | None = None) -> torch.Tensor:
    return layer(x, token) if getattr(layer, "takes_token", False) else layer(x)


def test_every_aggregator_of_the_package_is_here() -> None:
    assert set(OPTIONS) == {name for name in aggregator_names() if not name.endswith("-of-test")}
    assert {name for name in OPTIONS if getattr(small(name), "takes_token", False)} == TAKES_TOKEN


@pytest.mark.parametrize("name", OPTIONS)
def test_unit_length_of_the_stated_size(name: str) -> None:
    layer = small(name)
    found = run(layer, features())
    assert found.shape == (3, layer.size)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3, dtype=torch.float64))


@pytest.mark.parametrize("name", OPTIONS)
def test_a_picture_does_not_depend_on_its_batch(name: str) -> None:
    layer, x, token = small(name), features(), tokens()
    together = run(layer, x, token)
    alone = torch.cat([run(layer, x[i : i + 1], token[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(together, alone, atol=1e-12, rtol=0)
    order = torch.tensor([2, 0, 1])
    torch.testing.assert_close(run(layer, x[order], token[order]), together[order], atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", NO_ORDER)
def test_the_order_of_locations_does_not_matter(name: str) -> None:
    layer, x = small(name), features()
    order = torch.randperm(20, generator=torch.Generator().manual_seed(2))
    shuffled = x.flatten(2)[:, :, order].unflatten(2, (4, 5))
    torch.testing.assert_close(run(layer, shuffled, tokens()), run(layer, x, tokens()), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", ["cosplace", "gem", "netvlad", "vlad"])
def test_a_picture_beside_itself_is_the_same_picture(name: str) -> None:
    """Every location repeated: means stay, and sums grow by a factor that unit length takes away."""
    layer, x = small(name), features()
    doubled = x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    torch.testing.assert_close(layer(doubled), layer(x), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", ["cosplace", "netvlad", "vlad"])
def test_the_strength_of_a_feature_does_not_matter(name: str) -> None:
    layer, x = small(name), features()
    torch.testing.assert_close(layer(x * 17), layer(x), atol=1e-12, rtol=0)


@pytest.mark.parametrize("name", OPTIONS)
def test_gradients(name: str) -> None:
    layer = small(name, grad=True)
    names, values = zip(*layer.named_parameters(), strict=True)
    direction = F.normalize(
        torch.randn(layer.size, dtype=torch.float64, generator=torch.Generator().manual_seed(1)), dim=0
    )

    def similarity(x: torch.Tensor, token: torch.Tensor, *parameters: torch.Tensor) -> torch.Tensor:
        arguments = (x, token) if name in TAKES_TOKEN else (x,)
        return torch.func.functional_call(layer, dict(zip(names, parameters, strict=True)), arguments) @ direction

    x = (features(1).abs() + 0.1)[:, :, :, :5].requires_grad_()  # away from GeM's floor
    token = tokens(1).requires_grad_()
    assert torch.autograd.gradcheck(similarity, (x, token, *values), fast_mode=True)


@pytest.mark.parametrize("name", OPTIONS)
def test_zero_features_stay_finite(name: str) -> None:
    zero = torch.zeros_like(features())
    layer = small(name)
    assert run(layer, zero).isfinite().all()
    inputs = zero.clone().requires_grad_()
    run(layer, inputs).sum().backward()
    assert inputs.grad is not None and inputs.grad.isfinite().all()
