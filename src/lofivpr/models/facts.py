"""Measure what a model costs: parameters, operations at its size, and the sizes it takes."""

from __future__ import annotations

import torch
from torch.utils.flop_counter import FlopCounterMode

from lofivpr.models.config import ModelConfig
from lofivpr.models.place_model import build
from lofivpr.models.weights.facts import Facts


def measure(config: ModelConfig) -> Facts:
    """The facts of a configuration, without memory for its weights. Raises ModelError: it cannot be built."""
    width, height = config.size
    with torch.device("meta"):
        model = build(config)
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            model(torch.zeros(1, 3, height, width))
    return Facts(
        descriptor=model.descriptor_size,
        parameters=round(sum(p.numel() for p in model.parameters()) / 1e6, 2),
        gflops=round(counter.get_total_flops() / 1e9, 2),
        size=f"{width}x{height}",
        stride=model.backbone.stride,
        one_size=hasattr(model.aggregator, "locations"),
        features=model.backbone.features_name,
    )
