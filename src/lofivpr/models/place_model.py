"""The torch side of a place model: backbone, aggregator, whitening, and its own preprocessing."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from lofivpr.models.backbone import Backbone
from lofivpr.models.card import read_card
from lofivpr.models.condition import conditions
from lofivpr.models.config import ModelConfig, ModelError, model_digest
from lofivpr.models.folder import check_weights_fit, read_config, read_weights, verify_digest, weights_digest
from lofivpr.models.freezing import freeze_batch_norm_statistics
from lofivpr.models.hub import find_folder
from lofivpr.models.preprocessing import Preprocessing
from lofivpr.models.quality_affine import add_quality_affines
from lofivpr.models.registry import backbone_builder, build_aggregator
from lofivpr.quality import Quality

# Pictures in one pass of `describe`. On a CPU one at a time is the fastest (the activations stay in the
# cache) and makes a descriptor bit-for-bit independent of its batch; a GPU needs company to be busy.
CHUNK_CPU, CHUNK_GPU = 1, 32


class Output(NamedTuple):
    """What a model says about a batch: descriptors (N x D, unit length) and features (N x C x h x w)."""

    descriptor: Tensor
    features: Tensor


class PlaceModel(nn.Module):
    """Pictures to descriptors of places.

    Batch-norm statistics are frozen for good: `train()` never lets a batch normalise itself, so a
    descriptor does not depend on the batch it is computed in. One thread at a time: a quality-aware model keeps the
    qualities of the batch at hand in its layers. `OnnxModel` serves several.
    """

    def __init__(self, config: ModelConfig, backbone: Backbone, aggregator: nn.Module) -> None:
        super().__init__()
        self.config = config
        self.card: dict[str, Any] = {}
        # Channels last: half the time of depthwise convolutions on CPUs, for training too.
        self.backbone = backbone.to(memory_format=torch.channels_last)
        self.aggregator = aggregator
        aggregated = int(aggregator.size)  # type: ignore[arg-type]
        self.whitening = None if config.whitening is None else nn.Linear(aggregated, config.whitening)
        self.preprocessing: Preprocessing = config.preprocessing
        self.descriptor_size: int = config.whitening or aggregated
        _check_size(self.preprocessing.size, backbone.stride)
        self.affines = add_quality_affines(backbone) if config.quality_aware else []
        self.eval()

    @property
    def name(self) -> str:
        """The model's name; it is not part of the digest."""
        return self.config.name

    @property
    def digest(self) -> str:
        """Digest of the configuration and of the weights as they are now (16 hex digits)."""
        return model_digest(self.config, weights_digest(self.weights()))

    @property
    def batch_independent(self) -> bool:
        """Whether `forward` describes a picture alone and in a batch alike; `describe` always does."""
        return bool(getattr(self.aggregator, "batch_independent", True))

    @property
    def features_facts(self) -> dict[str, Any]:
        """Which features `forward` gives, the ones that ICKD compares: layer in words, channels, stride."""
        backbone = self.backbone
        return {"layer": backbone.features_name, "channels": backbone.channels, "stride": backbone.stride}

    def weights(self) -> dict[str, np.ndarray]:
        """All tensors by name, as contiguous arrays on the CPU."""
        return {name: t.detach().cpu().contiguous().numpy() for name, t in self.state_dict().items()}

    def train(self, mode: bool = True) -> PlaceModel:
        """Switch to training or evaluation; batch-norm statistics stay frozen in both."""
        super().train(mode)
        freeze_batch_norm_statistics(self)
        return self

    def forward(self, x: Tensor, quality: Tensor | None = None) -> Output:
        """Describe a batch that went through `preprocessing`.

        Args:
            x: N x 3 x H x W float32; H and W multiples of the backbone's stride.
            quality: N x CONDITION_SIZE, what `conditions` says of each picture; a quality-aware model takes
                None for `raw`, another ignores it.
        """
        if not torch.compiler.is_compiling():
            _check_size((x.shape[3], x.shape[2]), self.backbone.stride)
        features, token = self.see(x, quality)
        return Output(self.describe_features(features, token), features)

    def see(self, x: Tensor, quality: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """Features (N x C x h x w) of a preprocessed batch, and the backbone's token (N x C) if it has one."""
        for affine in self.affines:
            affine.condition = quality
        return self.backbone.see(x.contiguous(memory_format=torch.channels_last))

    def describe_features(self, features: Tensor, token: Tensor | None = None) -> Tensor:
        """N x C x h x w features of the backbone, and its token (N x C), to N x D descriptors of unit length."""
        takes_token = getattr(self.aggregator, "takes_token", False)
        descriptor = self.aggregator(features, token) if takes_token else self.aggregator(features)
        if self.whitening is not None:
            descriptor = F.normalize(self.whitening(descriptor), dim=1)
        return descriptor.reshape(-1, self.descriptor_size)  # an export then states the length

    def describe(self, images: Sequence[np.ndarray], quality: Sequence[Quality | None] | None = None) -> np.ndarray:
        """Describe uint8 H x W x 3 RGB pictures of any sizes; returns float32 N x D, unit length.

        `quality` is what each picture went through; only a quality-aware model looks at it.

        Raises:
            LofiError: a picture that is not uint8 H x W x 3.
        """
        return self._run(images, "descriptor", quality)

    def features(self, images: Sequence[np.ndarray], quality: Sequence[Quality | None] | None = None) -> np.ndarray:
        """The backbone's features of uint8 pictures: float32 N x C x h x w."""
        return self._run(images, "features", quality)

    def with_quality_affines(self) -> PlaceModel:
        """A copy that also looks at the quality of its pictures; before it is trained, it describes alike."""
        config = self.config.replace(quality_aware=True, digest=None)
        copied = copy.deepcopy(self)
        model = PlaceModel(config, copied.backbone, copied.aggregator)
        model.whitening = copied.whitening
        return model

    def conditions(self, quality: Sequence[Quality | None] | None, count: int) -> Tensor | None:
        """What `forward` takes for the qualities of `count` pictures; None where this model ignores them."""
        if not self.affines:
            return None
        return torch.from_numpy(conditions(quality, count, self.preprocessing.size[1]))

    def _run(self, images: Sequence[np.ndarray], what: str, quality: Sequence[Quality | None] | None) -> np.ndarray:
        mode, device = self.training, next(self.parameters()).device
        chunk = CHUNK_CPU if device.type == "cpu" or not self.batch_independent else CHUNK_GPU
        parts: list[np.ndarray] = []
        self.eval()
        try:
            with torch.inference_mode():
                for start in range(0, len(images), chunk):
                    part = slice(start, start + chunk)
                    batch = torch.from_numpy(self.preprocessing.to_array(images[part]))
                    known = self.conditions(quality and quality[part], len(batch))
                    output = self(batch.to(device), None if known is None else known.to(device))
                    parts.append(getattr(output, what).float().cpu().contiguous().numpy())
        finally:
            self.train(mode)
        return np.concatenate(parts) if parts else np.empty((0, self.descriptor_size), dtype=np.float32)

    def set_whitening(self, weight: np.ndarray, bias: np.ndarray) -> None:
        """Put the PCA whitening of `fit_whitening` (weight dim x D, bias dim) behind the aggregator.

        Raises:
            ModelError: the weight does not fit the aggregator.
        """
        expected = (weight.shape[0], int(self.aggregator.size))  # type: ignore[arg-type]
        if weight.shape != expected or bias.shape != expected[:1]:
            raise ModelError(
                f"expected a whitening of shape {expected} fitted to descriptors before whitening, "
                f"found weight {weight.shape} and bias {bias.shape}."
            )
        layer = nn.Linear(expected[1], expected[0], device=next(self.parameters()).device)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(weight))
            layer.bias.copy_(torch.from_numpy(bias))
        self.whitening = layer
        self.config = self.config.replace(whitening=expected[0])
        self.descriptor_size = expected[0]

    def save(self, folder: str | Path, card: dict[str, Any] | None = None, onnx: bool = True) -> str:
        """Write the model folder in one step; see `lofivpr.models.export.save_model`. Returns the digest."""
        from lofivpr.models.export import save_model

        return save_model(self, folder, card, onnx)

    def push_to_hub(self, repo: str, *, private: bool = False) -> str:
        """Publish under `org/name`; see `lofivpr.models.hub.push_to_hub`. Returns the commit's address."""
        from lofivpr.models.hub import push_to_hub

        return push_to_hub(self, repo, private=private)

    @classmethod
    def load(cls, folder: str | Path) -> PlaceModel:
        """Read a model folder, or one of the hub by `org/name`.

        Raises:
            ModelError: a missing or damaged file, weights that do not fit.
        """
        folder = find_folder(folder)
        config, weights = read_config(folder), read_weights(folder)
        model = build(config)
        shapes = {name: tuple(tensor.shape) for name, tensor in model.state_dict().items()}
        check_weights_fit(folder, shapes, {name: array.shape for name, array in weights.items()})
        verify_digest(folder, config, weights)
        model.load_state_dict({name: torch.from_numpy(np.array(array)) for name, array in weights.items()})
        model.card = read_card(folder)
        return model


def build(config: ModelConfig) -> PlaceModel:
    """The network that a configuration describes, with random weights. Raises ModelError."""
    backbone = backbone_builder(config.backbone)(pretrained=False, download=False)
    aggregator = build_aggregator(config.aggregator, backbone.channels, config.aggregator_options)
    return PlaceModel(config, backbone, aggregator)


def nearest_size(size: tuple[int, int], stride: int) -> tuple[int, int]:
    """The nearest (width, height) in multiples of a backbone's stride, at least one of each."""
    width, height = (max(stride, round(side / stride) * stride) for side in size)
    return width, height


def _check_size(size: tuple[int, int], stride: int) -> None:
    if size[0] % stride or size[1] % stride or min(size) < stride:
        width, height = nearest_size(size, stride)
        raise ModelError(
            f"expected an input size (width, height) in multiples of {stride}, found {size[0]} x {size[1]}. "
            f"The nearest is {width} x {height}."
        )
