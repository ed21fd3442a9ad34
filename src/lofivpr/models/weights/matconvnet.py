"""Import the official NetVLAD networks (Arandjelovic et al., CVPR 2016) from their MatConvNet files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lofivpr.models.config import ModelConfig, ModelError, checked_config
from lofivpr.models.place_model import PlaceModel, build
from lofivpr.models.weights.importable import importable_weights, provenance

CLUSTERS, CHANNELS = 64, 512
# Counted from 0, as in the file: 0..28 are VGG-16's layers up to conv5_3, 29 the unit length of every location.
VLAD, WHITENING = 30, 33
ADVICE = "Use Pitts30K_struct.mat or TokyoTM_struct.mat as published."


@dataclass(frozen=True)
class Network:
    """What a file is to become: `whitening` dimensions or None, and the input's size (width, height)."""

    name: str
    source: str
    licence: str
    whitening: int | None = None
    size: tuple[int, int] = (640, 480)

    def config(self, mean: tuple[float, ...]) -> ModelConfig:
        """The configuration; `mean` of R, G, B is in 0..255, and nothing is divided."""
        values = {
            "name": self.name,
            "backbone": "vgg16",
            "aggregator": "netvlad",
            "aggregator_options": {"clusters": CLUSTERS},
            "size": self.size,
            "scale": 1.0,
            "mean": mean,
            "std": (1.0, 1.0, 1.0),
            "whitening": self.whitening,
            "weights_source": self.source,
            "weights_licence": self.licence,
        }
        return checked_config(values, f"the network {self.name}")


def import_matconvnet(file: str | Path, name: str, out: str | Path, onnx: bool = True) -> PlaceModel:
    """Bring an official file into a model folder; names that end in -4096 keep its whitening.

    Raises:
        ModelError: no MATLAB file, or the first entry that is missing or of another shape.
    """
    entry = importable_weights()[name]
    whitening = 4096 if name.endswith("-4096") else None
    return import_network(file, Network(name, entry.source, entry.licence, whitening), out, onnx)


def import_network(file: str | Path, network: Network, out: str | Path, onnx: bool = True) -> PlaceModel:
    """As `import_matconvnet`, for a network that need not be in the table."""
    net = Net(Path(file))
    with torch.device("meta"):  # neither time nor memory for weights that are replaced at once
        model = build(network.config(net.mean()))
    model.load_state_dict(_tensors(net, model.state_dict()), assign=True)
    model.backbone.to(memory_format=torch.channels_last)
    model.card = provenance(file, network.name, network.source, network.licence)
    model.save(out, model.card, onnx=onnx)
    return model


class Net:
    """The struct `net` of a file; every entry is checked when it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        net = _load(path)
        self.net = net
        self.layers = np.atleast_1d(self._field(net, "layers", "net"))

    def weights(self, layer: int, number: int, shape: tuple[int, ...]) -> np.ndarray:
        """`net.layers[layer].weights[number]`, float32; `shape` is MATLAB's, sides of length 1 do not count.

        Raises:
            ModelError: it is not there, or has another shape.
        """
        where = f"net.layers[{layer}].weights[{number}]"
        if layer >= len(self.layers):
            raise self._fault(f"{where} of shape {shape}", f"{len(self.layers)} layers")
        found = np.atleast_1d(self._field(self.layers[layer], "weights", f"net.layers[{layer}]"))
        if found.dtype != object or number >= len(found):
            raise self._fault(f"{where} of shape {shape}", f"{len(found) if found.dtype == object else 'one array'}")
        array = np.asarray(found[number])
        if array.dtype.kind not in "fiu" or _squeezed(array.shape) != _squeezed(shape):
            raise self._fault(f"{where} of shape {shape}", f"{array.dtype} {array.shape}")
        return array.astype(np.float32).reshape(shape)

    def mean(self) -> tuple[float, ...]:
        """R, G, B of `net.meta.normalization.averageImage`, in 0..255. Raises ModelError."""
        where, value = "net", self.net
        for name in ("meta", "normalization", "averageImage"):
            value = self._field(value, name, where)
            where = f"{where}.{name}"
        pixels = np.asarray(value)
        if pixels.dtype.kind not in "fiu" or pixels.shape[-1:] != (3,):
            raise self._fault(f"{where} of shape (height, width, 3)", f"{pixels.dtype} {pixels.shape}")
        pixels = pixels.reshape(-1, 3).astype(np.float64)
        if np.ptp(pixels, axis=0).max() > 1e-3:
            raise self._fault(f"one colour in {where}", "a picture")
        return tuple(float(channel) for channel in pixels[0])

    def _field(self, struct: Any, name: str, where: str) -> Any:
        if not hasattr(struct, name):
            there = ", ".join(getattr(struct, "_fieldnames", [])) or type(struct).__name__
            raise self._fault(f"{where}.{name}", there)
        return getattr(struct, name)

    def _fault(self, expected: str, found: str) -> ModelError:
        return ModelError(f"{self.path}: expected {expected}, found {found}. {ADVICE}")


def _load(path: Path) -> Any:
    """The variable `net`. MATLAB files hold arrays and structs: reading one runs nothing."""
    from scipy.io import loadmat, whosmat

    try:
        there = [name for name, _, _ in whosmat(path)]
        if "net" in there:
            return loadmat(path, variable_names=["net"], struct_as_record=False, squeeze_me=True)["net"]
    except NotImplementedError:  # what scipy raises for files of version 7.3
        raise ModelError(f"{path}: expected a MATLAB file up to version 7, found version 7.3. {ADVICE}") from None
    except Exception as error:  # scipy's reader raises many kinds; all say that this is no such file
        raise ModelError(f"{path}: expected a MATLAB file, found: {error}. {ADVICE}") from None
    raise ModelError(f"{path}: expected a variable net, found {', '.join(there) or 'nothing'}. {ADVICE}")


def _squeezed(shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(side for side in shape if side != 1)


def _tensors(net: Net, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The file's arrays by the model's names."""
    found = {}
    for name, expected in wanted.items():
        if name.startswith("backbone."):
            layer, kind = name.split(".")[-2:]
            found[name] = _convolution(net, int(layer), kind, tuple(expected.shape))
    assignment = net.weights(VLAD, 0, (CHANNELS, CLUSTERS))
    centroids = -net.weights(VLAD, 1, (CHANNELS, CLUSTERS))  # the file holds what is added to a feature
    found["aggregator.assignment.weight"] = assignment.T[:, :, None, None]
    found["aggregator.centroids"] = centroids.T
    if "whitening.weight" in wanted:
        found["whitening.weight"], found["whitening.bias"] = _whitening(net, len(wanted["whitening.bias"]))
    return {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in found.items()}


def _convolution(net: Net, layer: int, kind: str, shape: tuple[int, ...]) -> np.ndarray:
    """OUT x IN x H x W of the file's H x W x IN x OUT, or the bias."""
    if kind == "bias":
        return net.weights(layer, 1, shape)
    wide_out, wide_in, height, width = shape
    return net.weights(layer, 0, (height, width, wide_in, wide_out)).transpose(3, 2, 0, 1)


def _whitening(net: Net, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Weight dim x (K * D) and bias: the file's inputs are D-major (d * K + k), a descriptor here is K-major."""
    weight = net.weights(WHITENING, 0, (1, 1, CHANNELS * CLUSTERS, dim))[0, 0].T
    by_cluster = weight.reshape(dim, CHANNELS, CLUSTERS).transpose(0, 2, 1)
    return by_cluster.reshape(dim, -1), net.weights(WHITENING, 1, (dim,))
