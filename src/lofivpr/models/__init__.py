"""Place models: architecture, weights, folders, and the two ways to run them.

Importing this room needs no torch; the names that do are loaded when first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lofivpr.models.card import add_to_card, read_card
from lofivpr.models.config import ModelConfig, ModelError
from lofivpr.models.describer import Describer, Runtime, identity_of, in_precision, load_describer, precision_of
from lofivpr.models.folder import read_config
from lofivpr.models.heatmap import HEATMAP_KINDS, heatmap
from lofivpr.models.onnx_model import OnnxModel
from lofivpr.models.preprocessing import Preprocessing
from lofivpr.models.registry import (
    aggregator_names,
    backbone_names,
    import_torch_file,
    register_aggregator,
    register_backbone,
)
from lofivpr.models.whitening import fit_whitening, fit_whitening_by_blocks

if TYPE_CHECKING:
    from lofivpr.models.backbone import Backbone
    from lofivpr.models.create import create_model
    from lofivpr.models.edge import export_edge
    from lofivpr.models.export import export_onnx
    from lofivpr.models.freezing import freeze_batch_norm_statistics, set_trainable_stages
    from lofivpr.models.gem import GeM
    from lofivpr.models.gpu_model import GpuModel
    from lofivpr.models.hub import push_to_hub
    from lofivpr.models.initialise import initialise_netvlad, initialise_vocabulary
    from lofivpr.models.netvlad import NetVLAD
    from lofivpr.models.place_model import Output, PlaceModel

_NEED_TORCH = {
    "Backbone": "backbone",
    "GeM": "gem",
    "GpuModel": "gpu_model",
    "NetVLAD": "netvlad",
    "Output": "place_model",
    "PlaceModel": "place_model",
    "create_model": "create",
    "export_edge": "edge",
    "export_onnx": "export",
    "freeze_batch_norm_statistics": "freezing",
    "initialise_netvlad": "initialise",
    "initialise_vocabulary": "initialise",
    "push_to_hub": "hub",
    "set_trainable_stages": "freezing",
}

__all__ = [
    "HEATMAP_KINDS",
    "Backbone",
    "Describer",
    "GeM",
    "GpuModel",
    "ModelConfig",
    "ModelError",
    "NetVLAD",
    "OnnxModel",
    "Output",
    "PlaceModel",
    "Preprocessing",
    "Runtime",
    "add_to_card",
    "aggregator_names",
    "backbone_names",
    "create_model",
    "export_edge",
    "export_onnx",
    "fit_whitening",
    "fit_whitening_by_blocks",
    "freeze_batch_norm_statistics",
    "heatmap",
    "identity_of",
    "in_precision",
    "initialise_netvlad",
    "initialise_vocabulary",
    "load_describer",
    "precision_of",
    "push_to_hub",
    "read_card",
    "read_config",
    "register_aggregator",
    "register_backbone",
    "set_trainable_stages",
]


def __getattr__(name: str) -> Any:
    if name not in _NEED_TORCH:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_torch_file(_NEED_TORCH[name]), name)
