from __future__ import annotations

import pytest
import torch

from lofivpr.models import ModelError, create_model


def test_names_with_and_without_the_aggregator() -> None:
    assert create_model("gem-tiny").config == create_model("tiny", aggregator="gem").config
    model = create_model("netvlad-efficientnet_lite0", pretrained=False)
    assert model.name == "netvlad-efficientnet_lite0"
    assert model.descriptor_size == 64 * 112 and model.config.size == (320, 240)
    assert model.config.clusters == 64


def test_published_vgg() -> None:
    model = create_model("netvlad-vgg16", size=(640, 480), pretrained=False)
    assert model.descriptor_size == 32768 and model.whitening is None


def test_the_seed_decides_and_torchs_generator_is_left() -> None:
    torch.manual_seed(5)
    state = torch.get_rng_state()
    first, again, other = (create_model("tiny", seed=seed) for seed in (1, 1, 2))
    assert first.digest == again.digest != other.digest
    assert torch.equal(state, torch.get_rng_state())


def test_vgg_needs_permission() -> None:
    with pytest.raises(ModelError, match="permission to download"):
        create_model("vgg16")


def test_a_wrong_size_is_a_clear_error() -> None:
    with pytest.raises(ModelError, match="size"):
        create_model("tiny", size=(320,))  # type: ignore[arg-type]
