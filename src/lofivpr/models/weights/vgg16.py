"""Import VGG-16 (Simonyan and Zisserman, 2015) of torchvision or timm as the backbone of a new place model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from lofivpr.models.create import create_model
from lofivpr.models.initialise import initialise_netvlad
from lofivpr.models.place_model import PlaceModel
from lofivpr.models.weights.importable import importable_weights, provenance
from lofivpr.models.weights.layout import Layout
from lofivpr.models.weights.state_dict import fit_tensors, read_tensors

SIZE = (640, 480)


def import_vgg16(
    file: str | Path,
    name: str,
    out: str | Path,
    onnx: bool = True,
    pictures: Iterable[np.ndarray] | None = None,
    size: tuple[int, int] = SIZE,
) -> PlaceModel:
    """Bring the convolutions of VGG-16 into a model folder, up to conv5_3 before its ReLU.

    Args:
        file: of torchvision (`classifier.*`) or timm (`pre_logits.*`, `head.*`): both number the features alike.
        name: `vgg16-gem`, which describes at once, or `vgg16-netvlad`.
        pictures: uint8 H x W x 3, of which NetVLAD's clusters are made (see `initialise_netvlad`).
        size: of the input, (width, height).

    Raises:
        ModelError: the first key or shape that differs from VGG-16's.
    """
    entry = importable_weights()[name]
    layout = _layout(entry.source, entry.licence)
    tensors = read_tensors(file, layout)
    model = create_model("vgg16", aggregator=name.partition("-")[2], size=size, pretrained=False)
    model.backbone.load_state_dict(fit_tensors(file, layout, tensors, model.backbone.state_dict()))
    model.config = model.config.replace(name=name, weights_source=entry.source, weights_licence=entry.licence)
    model.card = provenance(file, name, entry.source, entry.licence)
    if pictures is not None:
        alpha = initialise_netvlad(model, pictures)
        model.card["imported"]["netvlad"] = f"k-means on local features of pictures, alpha {alpha:.3g}"
    model.save(out, model.card, onnx=onnx)
    return model


def _layout(source: str, licence: str) -> Layout:
    """The features by number; the layers of the classifier are of no use here."""
    features = (r"features\.(\d+)\.(weight|bias)", r"layers.features.\1.\2")
    return Layout("vgg16", source, licence, rename=(features,), ignore=(r"(classifier|pre_logits|head)\..+",))
