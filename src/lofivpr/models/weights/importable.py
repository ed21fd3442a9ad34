"""The published weights that can be imported, by name, and who imports each."""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lofivpr.models.config import ModelError
from lofivpr.models.registry import import_torch_file
from lofivpr.models.weights.layout import published_models

if TYPE_CHECKING:
    import numpy as np

    from lofivpr.models.place_model import PlaceModel

NETVLAD = "https://www.di.ens.fr/willow/research/netvlad"
TORCHVISION = "https://github.com/pytorch/vision or https://github.com/huggingface/pytorch-image-models"


@dataclass(frozen=True)
class Importable:
    """A kind of published file, and the function that brings it into a model folder.

    Attributes:
        name: what a user calls it.  file: the published file.  source, licence: of the weights.
        importer: `module:function` under `models/weights`, called as `function(file, name, out, onnx=...)`.
        needs_pictures: whether the function also takes `pictures`, to make what the file lacks.
    """

    name: str
    file: str
    source: str
    licence: str
    importer: str
    needs_pictures: bool = False


def provenance(file: str | Path, name: str, source: str, licence: str) -> dict[str, Any]:
    """What the card of an imported model says of the file it was made of."""
    with open(file, "rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    facts = {"model": name, "file": Path(file).name, "sha256": sha256, "source": source, "licence": licence}
    return {"imported": facts}


def importable_weights() -> dict[str, Importable]:
    """All that `import_weights` knows, by name."""
    named = [*_matconvnet(), *_state_dicts(), *_vgg16()]
    return {entry.name: entry for entry in named}


def _matconvnet() -> Iterable[Importable]:
    licence = "MIT (of the code it is published with)"
    for data, file in (("pitts30k", "Pitts30K_struct.mat"), ("tokyotm", "TokyoTM_struct.mat")):
        for end in ("", "-4096"):
            yield Importable(f"netvlad-{data}{end}", file, NETVLAD, licence, "matconvnet:import_matconvnet")


def _state_dicts() -> Iterable[Importable]:
    for name, entry in published_models().items():
        file = f"a checkpoint of {entry.layout.name}"
        yield Importable(name, file, entry.layout.source, entry.layout.licence, "state_dict:import_state_dict")


def _vgg16() -> Iterable[Importable]:
    file, licence = "VGG-16 of torchvision (vgg16-397923af.pth) or timm (vgg16.tv_in1k)", "BSD-3-Clause"
    yield Importable("vgg16-gem", file, TORCHVISION, licence, "vgg16:import_vgg16")
    yield Importable("vgg16-netvlad", file, TORCHVISION, licence, "vgg16:import_vgg16", needs_pictures=True)


def import_weights(
    file: str | Path,
    name: str,
    out: str | Path,
    onnx: bool = True,
    pictures: Iterable[np.ndarray] | None = None,
) -> PlaceModel:
    """Bring a published file into a new model folder, with its source, licence and SHA-256 in the card.

    Args:
        file: as it was published.
        name: of `importable_weights()`.
        out: the model folder; must not exist.
        onnx: whether to export too.
        pictures: uint8 H x W x 3, for the names that make NetVLAD's clusters of them.

    Raises:
        ModelError: an unknown name, a folder that is there, pictures missing or of no use, or a file that is
            not the published one: the first key or shape that differs is named.
    """
    known = importable_weights()
    if name not in known:
        near = ", ".join(difflib.get_close_matches(name, known, n=4, cutoff=0.4)) or "netvlad-pitts30k"
        raise ModelError(
            f"expected the name of published weights (such as {near}), found {name!r}. "
            "Choose one that 'lofivpr models list' names."
        )
    entry = known[name]
    if not Path(file).is_file():
        raise ModelError(f"expected {entry.file}, found no file {file}. Get it from {entry.source}.")
    if Path(out).exists():
        raise ModelError(f"expected a new folder for the model, found {out}: remove it or choose another.")
    if entry.needs_pictures != (pictures is not None):
        wanted = "pictures to make NetVLAD's clusters of" if entry.needs_pictures else f"no pictures for {name}"
        raise ModelError(f"expected {wanted}, found {'none' if pictures is None else 'some'}.")
    module, _, function = entry.importer.partition(":")
    options: dict[str, Any] = {"pictures": pictures} if entry.needs_pictures else {}
    return getattr(import_torch_file(f"weights.{module}"), function)(file, name, out, onnx=onnx, **options)
