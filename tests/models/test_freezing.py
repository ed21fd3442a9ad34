from __future__ import annotations

import pytest
import torch

from lofivpr.models import ModelError, PlaceModel, create_model, set_trainable_stages


def test_batch_norm_statistics_never_drift(tiny: PlaceModel) -> None:
    statistics = {k: v.clone() for k, v in tiny.state_dict().items() if "running" in k or "tracked" in k}
    assert statistics
    optimizer = torch.optim.SGD(tiny.parameters(), lr=0.1)
    tiny.train()
    for _ in range(3):
        images = 40 * torch.rand(4, 3, 64, 96) + 9
        optimizer.zero_grad()
        tiny(images).features.square().mean().backward()
        optimizer.step()
    after = tiny.state_dict()
    assert all(torch.equal(after[name], value) for name, value in statistics.items())


def test_scale_and_shift_of_batch_norm_still_train(tiny: PlaceModel) -> None:
    tiny.train()
    tiny(torch.randn(2, 3, 64, 96)).features.sum().backward()
    assert tiny.backbone.layers.stage3[1].bias.grad is not None


def test_published_choice_for_vgg() -> None:
    model = create_model("netvlad-vgg16", pretrained=False)
    set_trainable_stages(model, last=1)
    names = [name for name, p in model.named_parameters() if p.requires_grad]
    convolutions = [f"backbone.layers.features.{i}.{part}" for i in (24, 26, 28) for part in ("weight", "bias")]
    assert sorted(names) == sorted([*convolutions, "aggregator.centroids", "aggregator.assignment.weight"])


@pytest.mark.parametrize(("last", "frozen"), [(0, 4), (2, 2), (4, 0), (None, 0)])
def test_number_of_frozen_stages(tiny: PlaceModel, last: int | None, frozen: int) -> None:
    set_trainable_stages(tiny, last)
    stages = [[p.requires_grad for module in stage for p in module.parameters()] for stage in tiny.backbone.stages()]
    assert [all(stage) for stage in stages] == [False] * frozen + [True] * (4 - frozen)
    assert [any(stage) for stage in stages] == [False] * frozen + [True] * (4 - frozen)
    assert tiny.aggregator.centroids.requires_grad


def test_more_stages_than_there_are(tiny: PlaceModel) -> None:
    with pytest.raises(ModelError, match="between 0 and 4 stages"):
        set_trainable_stages(tiny, 5)
