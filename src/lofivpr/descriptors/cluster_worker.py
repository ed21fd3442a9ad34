"""What describes blocks on a node of a cluster. It stands alone: a node has no store, and gets pictures by name."""

from __future__ import annotations

import os
import platform
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import cv2

from lofivpr.descriptors.build import Build
from lofivpr.descriptors.manifest import CODE_VERSION
from lofivpr.descriptors.pictures import Pictures
from lofivpr.descriptors.segment import Block
from lofivpr.errors import LofiError
from lofivpr.models import Describer, load_describer

if TYPE_CHECKING:
    from lofivpr.models import GpuModel
    from lofivpr.quality import Quality

DECIDE = ("lofivpr", "av", "numpy", "onnxruntime", "pillow")
"""Packages that decide the numbers in a store; OpenCV, which has several, and torch are beside them."""


@dataclass(frozen=True)
class Order:
    """What every block of a store has in common: where its pictures lie, and what is made of them.

    `root`: of the pictures; a relative one counts from `folder`, so that messages are the same as there.
    `runtime`: of `load_describer`. `packages`: what every node must have, see `packages`.
    """

    root: str
    folder: str
    quality: Quality | None
    skip_bad: bool
    dtype: str
    model_digest: str
    runtime: str
    packages: tuple[str, ...]


class Worker:
    """A model on a node; blocks may come from several threads.

    Args:
        order: what is asked for.
        model: the files of the model folder, so that they need not lie on the node.
        cores: threads that open pictures, and that describe them.
    """

    def __init__(self, order: Order, model: Mapping[str, bytes], cores: int) -> None:
        self._order, self._model, self._cores = order, model, cores
        self._describing = Lock()

    def ready(self) -> None:
        """Load the model.

        Raises:
            LofiError: this node lacks something, or has other versions; the message says which node.
        """
        order = self._order
        with suppress(OSError):  # then `root` may be absolute all the same
            os.chdir(order.folder)
        _check_node(order)
        with tempfile.TemporaryDirectory(prefix="lofivpr-model-") as folder:
            for name, data in self._model.items():
                Path(folder, name).write_bytes(data)
            describer: Any = load_describer(folder, order.runtime, threads=self._cores)
        if describer.digest != order.model_digest:
            raise LofiError(
                f"expected the model of digest {order.model_digest}, found {describer.digest} in the folder for the "
                "cluster. Name one and the same model."
            )
        if order.runtime == "gpu":
            _find_gpu(describer)
        self._describer: Describer = describer

    def block(self, images: tuple[str, ...]) -> Block:
        """Describe consecutive pictures of the store. Raises LofiError: a picture cannot be used."""
        order, look = self._order, self._describer.preprocessing
        pictures = Pictures(images, order.root, order.quality, order.skip_bad, self._cores)
        prepared = list(pictures.prepared(range(len(images)), {look}, len(images)))
        with self._describing:  # meanwhile another thread prepares its block
            return Build(Path(), self._describer, pictures, order.dtype).describe(prepared)


def _find_gpu(model: GpuModel) -> None:
    try:
        model.load_weights()
    except Exception as error:  # torch raises several kinds
        raise LofiError(
            f"expected to run the model on a GPU of {platform.node()}, found: {error} Or start the node without GPUs: "
            "`ray start --num-gpus 0`."
        ) from error


def _check_node(order: Order) -> None:
    node = platform.node()
    pairs = zip(packages(order.runtime), order.packages, strict=True)
    if differing := [f"{found} instead of {wanted}" for found, wanted in pairs if found != wanted]:
        raise LofiError(
            f"expected the same packages on every node, found on {node}: {'; '.join(differing)}. "
            "Install the same versions everywhere: they decide the numbers."
        )
    if "://" not in order.root and not os.path.isdir(order.root):
        raise LofiError(
            f"expected the folder of the pictures {order.root} on every node, found none on {node}. Put it on a "
            "file system that all nodes share, or name the pictures by URLs."
        )


def packages(runtime: str) -> tuple[str, ...]:
    """Name and version of all that decides the numbers which `runtime` gives on this machine."""
    named = (*DECIDE, "torch") if runtime != "onnx" else DECIDE
    others = f"Python {platform.python_version()}", f"opencv {cv2.__version__}", f"describing code {CODE_VERSION}"
    return (*(f"{name} {_version(name)}" for name in named), *others)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
