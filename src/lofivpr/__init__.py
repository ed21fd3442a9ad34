"""lofivpr: measure what a channel costs in recall, distil a model that gets it back, serve it.

    import lofivpr as lv

    streets = lv.Places.open("streets")
    student = lv.distill("teacher", streets.split("train"), out="student")
    results = lv.evaluate(["teacher", "student"], streets.split("test"), qualities=["raw", "240p/jpeg:5"])
    results.report("report.html")

Names are loaded when first used: importing the package is quick and needs no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lofivpr.descriptors import DescriptorStore
    from lofivpr.errors import LofiError
    from lofivpr.evaluation import Results
    from lofivpr.evaluation.evaluate import evaluate
    from lofivpr.maps import Map
    from lofivpr.media import ImageRef, open_image
    from lofivpr.models import Describer, OnnxModel, PlaceModel, load_describer
    from lofivpr.places import Places, Positives, Protocol
    from lofivpr.places.town import generate_town
    from lofivpr.quality import Quality, QualityRange, degrade_folder
    from lofivpr.search import nearest
    from lofivpr.serving import Client
    from lofivpr.studies import Study, run_study
    from lofivpr.training import Recipe, distill, train

__version__ = "0.1.0"

_HOMES = {
    "Client": "serving",
    "Describer": "models",
    "DescriptorStore": "descriptors",
    "ImageRef": "media",
    "LofiError": "errors",
    "Map": "maps",
    "OnnxModel": "models",
    "PlaceModel": "models",
    "Places": "places",
    "Positives": "places",
    "Protocol": "places",
    "Quality": "quality",
    "QualityRange": "quality",
    "Recipe": "training",
    "Results": "evaluation",
    "Study": "studies",
    "degrade_folder": "quality",
    "distill": "training",
    "evaluate": "evaluation",
    "generate_town": "places.town",
    "load_describer": "models",
    "nearest": "search",
    "open_image": "media",
    "run_study": "studies",
    "train": "training",
}

__all__ = [
    "Client",
    "Describer",
    "DescriptorStore",
    "ImageRef",
    "LofiError",
    "Map",
    "OnnxModel",
    "PlaceModel",
    "Places",
    "Positives",
    "Protocol",
    "Quality",
    "QualityRange",
    "Recipe",
    "Results",
    "Study",
    "degrade_folder",
    "distill",
    "evaluate",
    "generate_town",
    "load_describer",
    "nearest",
    "open_image",
    "run_study",
    "train",
]


_TRAINING_PACKAGES = {"torch", "timm", "lightning_fabric", "onnx", "onnxscript"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'lofivpr' has no attribute {name!r}")
    try:
        return getattr(importlib.import_module(f"lofivpr.{_HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _TRAINING_PACKAGES:
            raise
        from lofivpr.errors import LofiError

        raise LofiError(
            f"expected {error.name}, which lofivpr.{name} needs, found none. Run: pip install 'lofivpr[train]'"
        ) from error


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
