from __future__ import annotations

import pytest

from lofivpr.models import ModelError
from lofivpr.models.config import ModelConfig, checked_config, model_digest

VALUES = {
    "name": "netvlad-tiny",
    "backbone": "tiny",
    "aggregator": "netvlad",
    "aggregator_options": {"clusters": 4},
    "mean": (0.5, 0.5, 0.5),
    "std": (0.5, 0.5, 0.5),
}


def test_json_round_trip() -> None:
    config = checked_config(VALUES, "here")
    assert ModelConfig.model_validate_json(config.model_dump_json()) == config
    assert config.clusters == 4


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"backbone": 3}, "backbone"),
        ({"size": [320]}, "size"),
        ({"whitening": 0}, "whitening"),
        ({"colour": "red"}, "colour"),
        ({"version": 99}, "version"),
        ({"name": ""}, "name"),
    ],
)
def test_a_fault_names_its_field(change: dict, field: str) -> None:
    with pytest.raises(ModelError, match=f"config.json.*{field}"):
        checked_config({**VALUES, **change}, "config.json")


@pytest.mark.parametrize(
    "change",
    [
        {"size": (240, 320)},
        {"mean": (0.4, 0.5, 0.5)},
        {"scale": 1.0},
        {"backbone": "vgg16"},
        {"aggregator_options": {"clusters": 5}},
        {"whitening": 8},
    ],
)
def test_whatever_decides_a_descriptor_is_in_the_digest(change: dict) -> None:
    config = checked_config(VALUES, "here")
    assert model_digest(config.replace(**change), "w") != model_digest(config, "w")


def test_name_and_provenance_are_not_in_the_digest() -> None:
    config = checked_config(VALUES, "here")
    renamed = config.replace(name="other", digest="0" * 16, weights_source="x", weights_licence="y")
    assert model_digest(renamed, "w") == model_digest(config, "w") != model_digest(config, "v")
