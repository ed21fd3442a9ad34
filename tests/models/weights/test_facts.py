from __future__ import annotations

import pytest
import torch

from lofivpr.models import create_model
from lofivpr.models.facts import measure
from lofivpr.models.weights import importable_weights
from lofivpr.models.weights.facts import published_facts
from lofivpr.models.weights.layout import published_models


def test_all_published_models_have_facts() -> None:
    assert list(published_facts()) == list(importable_weights())


@pytest.mark.parametrize(
    "name",
    ["cosplace-resnet18-512", "mixvpr-resnet50-128", "boq-resnet50-16384", "salad-dinov2_b14-8448", "netvlad-pytorch"],
)
def test_the_facts_are_as_measured(name: str) -> None:
    assert measure(published_models()[name].config) == published_facts()[name]


def test_operations_by_hand() -> None:
    model = create_model("tiny", "gem", size=(64, 32), dim=8)
    with torch.no_grad():
        found = measure(model.config)
    convolutions = [(3, 8, 32 * 16), (8, 16, 16 * 8), (16, 24, 8 * 4), (24, 32, 4 * 2)]
    operations = sum(2 * 9 * wide * out * places for wide, out, places in convolutions) + 2 * 32 * 8
    assert found.gflops == round(operations / 1e9, 2) and found.descriptor == 8 and found.size == "64x32"
    assert found.parameters == round(sum(p.numel() for p in model.parameters()) / 1e6, 2)
    assert found.features == "output of stage3" and found.sizes == "64x32, multiples of 16"
    assert published_facts()["mixvpr-resnet50-128"].sizes == "320x320 only"
