"""A place model run by torch on a GPU: compiled, in batches of one size, its backbone in bfloat16."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch import _dynamo as dynamo  # public names of torch.compiler begin with later versions

from lofivpr.models.config import ModelError
from lofivpr.models.place_model import PlaceModel
from lofivpr.models.preprocessing import Preprocessing
from lofivpr.quality import Quality

BATCH = 64
"""Pictures in a pass; fewer are filled up. One size is compiled once, and what a picture is told cannot depend on how
many came with it: another size may choose other kernels, which round otherwise."""
MODELS = 256
"""That one process may compile; torch counts those that share the code of a function, and would refuse the ninth."""

Network = Callable[[Tensor, Tensor | None], Tensor]


class GpuModel:
    """Pictures to descriptors of places; one thread at a time.

    The backbone computes in bfloat16, whose error is 2^-9 of a number; what aggregates stays float32, since NetVLAD's
    assignment is a steep softmax. So its descriptors are not those of `PlaceModel` and `OnnxModel`, and `precision`
    says so wherever descriptors are kept.

    The GPU is looked for when the first pictures are described: a machine that only orders them needs none.

    Args:
        model: is moved to the device.
        device: as torch names it.
        backend: of torch.compile.
    """

    precision = "bfloat16"

    def __init__(self, model: PlaceModel, device: str = "cuda", backend: str = "inductor") -> None:
        self._model, self._device, self._backend = model, torch.device(device), backend
        self.card: dict[str, Any] = model.card
        self.preprocessing: Preprocessing = model.preprocessing
        self.descriptor_size = model.descriptor_size
        self._batch = BATCH if model.batch_independent else 1

    @classmethod
    def load(cls, folder: str | Path) -> GpuModel:
        """Read a model folder, or one of the hub by `org/name`. Raises ModelError."""
        return cls(PlaceModel.load(folder))

    @property
    def name(self) -> str:
        """The model's name; it is not part of the digest."""
        return self._model.name

    @cached_property
    def digest(self) -> str:
        """Digest of the configuration and the weights: that of the model in any precision."""
        return self._model.digest

    def describe(self, images: Sequence[np.ndarray], quality: Sequence[Quality | None] | None = None) -> np.ndarray:
        """Describe uint8 H x W x 3 RGB pictures of any sizes; returns float32 N x D, unit length.

        `quality` is what each picture went through; only a quality-aware model looks at it.

        Raises:
            LofiError: a picture that is not uint8 H x W x 3, no GPU, or one with too little memory.
        """
        found = np.empty((len(images), self.descriptor_size), dtype=np.float32)
        for start in range(0, len(images), self._batch):
            part = slice(start, start + self._batch)
            found[part] = self._describe(images[part], quality and quality[part])
        return found

    def load_weights(self) -> None:
        """Move the weights to the GPU, which the first pictures would else do. Raises ModelError: there is none."""
        _ = self._network

    def _describe(self, images: Sequence[np.ndarray], quality: Sequence[Quality | None] | None) -> np.ndarray:
        width, height = self.preprocessing.size
        pixels = torch.zeros((self._batch, height, width, 3), dtype=torch.uint8)
        for row, image in zip(pixels.numpy(), images, strict=False):
            row[:] = self.preprocessing.resize(image)
        filled = None if quality is None else [*quality, *[None] * (self._batch - len(images))]
        known = self._model.conditions(filled, self._batch)
        try:
            with torch.inference_mode():
                network = self._network
                found = network(pixels.to(self._device), None if known is None else known.to(self._device))
                return found[: len(images)].cpu().numpy()
        except torch.OutOfMemoryError as error:
            raise ModelError(
                f"expected memory for {self._batch} pictures of {width} x {height} on the GPU, found: "
                f"{str(error).partition('. ')[0]}. Free it, or describe by the runtime 'onnx' or 'torch'."
            ) from None

    @cached_property
    def _network(self) -> Network:
        if self._device.type == "cuda":
            _check_gpu()
        network = _Network(self._model).to(self._device).eval()
        compiled = torch.compile(network, fullgraph=True, dynamic=False, backend=self._backend)

        def run(pixels: Tensor, known: Tensor | None) -> Tensor:
            try:
                with dynamo.config.patch(recompile_limit=MODELS):
                    return compiled(pixels, known)
            except dynamo.exc.TorchDynamoException as refusal:
                self.__dict__["_network"] = network  # from now on
                warnings.warn(f"{_told(refusal, self.name)} It runs uncompiled, more slowly.", stacklevel=2)
                return network(pixels, known)

        return run


def _check_gpu() -> None:
    if not torch.cuda.is_available():
        built = f"built for CUDA {torch.version.cuda}" if torch.version.cuda else "built without CUDA"
        raise ModelError(
            f"expected a GPU for the runtime 'gpu', found none that torch {torch.__version__}, {built}, can use. "
            "Install torch for the GPU's driver, or describe by the runtime 'auto'."
        )


def _told(refusal: Exception, name: str) -> str:
    reason = " ".join(str(refusal).strip().partition("\n\n")[0].split())  # what follows is for torch's developers
    return f"expected torch to compile {name}, found: {reason.rstrip('.')}."


class _Network(nn.Module):
    """uint8 N x height x width x 3 to float32 N x D: all that is done to a picture on the GPU."""

    factor: Tensor
    offset: Tensor

    def __init__(self, model: PlaceModel) -> None:
        super().__init__()
        self.model = model
        for name, array in zip(("factor", "offset"), model.preprocessing.factor_and_offset, strict=True):
            self.register_buffer(name, torch.from_numpy(array))

    def forward(self, pixels: Tensor, known: Tensor | None) -> Tensor:
        # Permuted, pixels that lie side by side are what torch calls channels last: nothing is copied.
        x = pixels.permute(0, 3, 1, 2).float() * self.factor - self.offset
        with torch.autocast(x.device.type, torch.bfloat16):
            features, token = self.model.see(x, known)
        return self.model.describe_features(features.float(), None if token is None else token.float())
