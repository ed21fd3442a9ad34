from __future__ import annotations

import pytest
import torch

from lofivpr.models.netvlad import NetVLAD

SMALL = {"netvlad": {"clusters": 3}}
OF_448 = {"netvlad": {"clusters": 14}}


def loop_over_clusters(layer: NetVLAD, features: torch.Tensor) -> torch.Tensor:
    """The definition, one picture, one cluster and one location at a time."""
    rows = []
    for picture in features:
        locations = picture.flatten(1).T
        locations = torch.stack([x / x.norm() for x in locations])
        logits = torch.stack([layer.assignment.weight[:, :, 0, 0] @ x for x in locations])
        soft = torch.stack([row.exp() / row.exp().sum() for row in logits])
        clusters = []
        for k in range(layer.clusters):
            total = torch.zeros(layer.channels, dtype=features.dtype)
            for p, x in enumerate(locations):
                total = total + soft[p, k] * (x - layer.centroids[k])
            clusters.append(total / total.norm())
        flat = torch.cat(clusters)
        rows.append(flat / flat.norm())
    return torch.stack(rows)


@pytest.fixture()
def layer() -> NetVLAD:
    torch.manual_seed(0)
    return NetVLAD(channels=7, clusters=5).double()


@pytest.fixture()
def features() -> torch.Tensor:
    return torch.randn(3, 7, 4, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


def test_equals_the_loop_over_clusters(layer: NetVLAD, features: torch.Tensor) -> None:
    # The start ties weights to centroids; untie them so that a swap of the two would show.
    layer.assignment.weight.data += torch.randn_like(layer.assignment.weight)
    assert (layer(features) - loop_over_clusters(layer, features)).abs().max() < 1e-8


def test_published_shape_of_vgg() -> None:
    layer = NetVLAD(channels=512)
    assert layer.size == 32768
    assert layer.assignment.bias is None
    assert layer.assignment.weight.shape == (64, 512, 1, 1)
    assert layer(torch.randn(1, 512, 3, 4)).shape == (1, 32768)


def test_unit_length_and_equal_length_of_clusters(layer: NetVLAD, features: torch.Tensor) -> None:
    found = layer(features)
    torch.testing.assert_close(found.norm(dim=1), torch.ones(3, dtype=torch.float64))
    # Intra-normalisation: each of the 5 clusters has the same share.
    lengths = found.unflatten(1, (5, 7)).norm(dim=2)
    torch.testing.assert_close(lengths, torch.full((3, 5), 5**-0.5, dtype=torch.float64))


def test_gradients(layer: NetVLAD, features: torch.Tensor) -> None:
    small = features[:1, :, :2, :2].clone().requires_grad_()

    def run(x: torch.Tensor, weight: torch.Tensor, centroids: torch.Tensor) -> torch.Tensor:
        parameters = {"assignment.weight": weight, "centroids": centroids}
        return torch.func.functional_call(layer, parameters, (x,))

    arguments = (small, layer.assignment.weight, layer.centroids)
    assert torch.autograd.gradcheck(run, arguments)


def test_order_of_locations_does_not_matter(layer: NetVLAD, features: torch.Tensor) -> None:
    order = torch.randperm(24, generator=torch.Generator().manual_seed(2))
    shuffled = features.flatten(2)[:, :, order].unflatten(2, (4, 6))
    assert not torch.equal(shuffled, features)
    torch.testing.assert_close(layer(shuffled), layer(features), atol=1e-12, rtol=0)


def test_brightness_of_a_feature_does_not_matter(layer: NetVLAD, features: torch.Tensor) -> None:
    torch.testing.assert_close(layer(features * 17), layer(features), atol=1e-12, rtol=0)


def test_no_array_of_clusters_by_channels_by_locations() -> None:
    """At 64 clusters, 512 channels, 30 x 40 locations that array would take 157 MB a picture."""
    layer, features = NetVLAD(channels=512), torch.randn(1, 512, 30, 40)
    with torch.no_grad(), torch.profiler.profile(profile_memory=True) as profile:
        layer(features)
    greatest = max(event.self_cpu_memory_usage for event in profile.key_averages())
    assert greatest < 40e6


def test_zero_features_stay_finite(layer: NetVLAD) -> None:
    assert layer(torch.zeros(1, 7, 2, 2, dtype=torch.float64)).isfinite().all()
