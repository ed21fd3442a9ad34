"""New place models by name."""

from __future__ import annotations

import math
from typing import Any

import torch

from lofivpr.models.config import checked_config
from lofivpr.models.place_model import PlaceModel, nearest_size
from lofivpr.models.registry import (
    aggregator_names,
    aggregator_parameters,
    backbone_builder,
    build_aggregator,
    split_options,
)

DEFAULT_SIZE = (320, 240)


def create_model(
    name: str,
    aggregator: str = "netvlad",
    size: tuple[int, int] | None = None,
    pretrained: bool = True,
    *,
    download: bool = False,
    seed: int = 0,
    **options: Any,
) -> PlaceModel:
    """Make a new place model.

    Args:
        name: a backbone ("efficientnet_lite0"), or aggregator and backbone ("netvlad-vgg16").
        aggregator: used when `name` is only a backbone; with options where wanted ("netvlad:clusters=16").
        size: (width, height) in pixels, multiples of the backbone's stride; None = the nearest to 320 x 240.
        pretrained: start from ImageNet weights, where the backbone has some.
        download: allow the ImageNet weights to be downloaded.
        seed: of everything that is drawn at random; torch's own generator is left as it was.
        options: of the aggregator, such as clusters=64.

    Raises:
        ModelError: unknown name, size that does not fit, weights that are not there.
    """
    first, _, rest = name.partition("-")
    if rest and first in aggregator_names():
        aggregator, name = first, rest
    aggregator, given = split_options(aggregator)
    options = {**given, **options}
    if aggregator == "netvlad":
        options = {"clusters": 64, **options}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        backbone = backbone_builder(name)(pretrained=pretrained, download=download)
        size = nearest_size(DEFAULT_SIZE, backbone.stride) if size is None else size
        if "locations" in aggregator_parameters(aggregator):
            options = {"locations": math.prod(side // backbone.stride for side in size), **options}
        layer = build_aggregator(aggregator, backbone.channels, options)
    values = {
        "name": f"{aggregator}-{name}",
        "backbone": name,
        "aggregator": aggregator,
        "aggregator_options": options,
        "size": size,
        "mean": backbone.mean,
        "std": backbone.std,
        "weights_source": backbone.weights_source,
        "weights_licence": backbone.weights_licence,
    }
    return PlaceModel(checked_config(values, "the new model"), backbone, layer)
