from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from lofivpr.models import (
    ModelError,
    PlaceModel,
    aggregator_names,
    backbone_names,
    create_model,
    register_aggregator,
    registry,
)


def test_known_names() -> None:
    assert {"efficientnet_lite0", "tiny", "vgg16"} <= set(backbone_names())
    assert {"gem", "netvlad"} <= set(aggregator_names())
    # Every name is really there behind the table of names that needs no torch.
    with torch.device("meta"):
        for name in backbone_names():
            assert registry.backbone_builder(name)(pretrained=False).channels > 0
        for name in aggregator_names():
            assert registry.build_aggregator(name, 4, {}).size >= 4


@pytest.mark.parametrize(("arguments", "known"), [(("resnet9000",), "tiny.*vgg16"), (("tiny", "max"), "gem.*netvlad")])
def test_unknown_names_are_answered_with_the_known_ones(arguments: tuple, known: str) -> None:
    with pytest.raises(ModelError, match=known):
        create_model(*arguments)


def test_unknown_option_is_named() -> None:
    with pytest.raises(ModelError, match="colour"):
        create_model("tiny", colour=3)


def test_options_behind_a_name_are_numbers_booleans_and_texts() -> None:
    text = "gem:p=3.5,layer=-9,affine=true,facet=value,size=1x2,list=[1]"
    plain = {"p": 3.5, "layer": -9, "affine": True, "facet": "value", "size": "1x2", "list": "[1]"}
    assert registry.split_options(text) == ("gem", plain)
    assert [type(value) for value in registry.split_options(text)[1].values()] == [float, int, bool, str, str, str]


def test_a_name_is_taken_once() -> None:
    with pytest.raises(ModelError, match="taken"):
        register_aggregator("netvlad")(nn.Identity)


def test_an_aggregator_of_ones_own(tmp_path: Path, pictures: list[np.ndarray], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_AGGREGATORS", dict(registry._AGGREGATORS))

    @register_aggregator("mean-of-test")
    class Mean(nn.Module):
        def __init__(self, channels: int) -> None:
            super().__init__()
            self.size = channels

        def forward(self, features: torch.Tensor) -> torch.Tensor:
            return nn.functional.normalize(features.mean(dim=(2, 3)), dim=1)

    model = create_model("tiny", aggregator="mean-of-test", size=(64, 64))
    model.save(tmp_path / "m", onnx=False)
    np.testing.assert_array_equal(PlaceModel.load(tmp_path / "m").describe(pictures), model.describe(pictures))
