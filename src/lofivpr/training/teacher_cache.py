"""What the frozen teacher says of every sharp training picture, computed once and kept on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lofivpr.descriptors import DescriptorStore
from lofivpr.files import digest
from lofivpr.models import PlaceModel
from lofivpr.places import Places
from lofivpr.training.losses import channel_matrix


class _DescriptorAndMatrix:
    """A describer of descriptor and channel matrix in one row, so that one pass and one store hold both."""

    def __init__(self, teacher: PlaceModel) -> None:
        self.teacher = teacher
        self.name = f"{teacher.name}+channels"
        self.preprocessing = teacher.preprocessing
        self.descriptor_size = teacher.descriptor_size + teacher.backbone.channels**2
        self.digest = digest(teacher.digest, "descriptor and channel matrix, float16")

    @torch.inference_mode()
    def describe(self, images: Sequence[np.ndarray], quality: object = None) -> np.ndarray:
        """float32 N x (D + C * C)."""
        device = next(self.teacher.parameters()).device
        pixels = torch.from_numpy(self.preprocessing.to_array(images)).to(device)
        # One at a time where pictures of a batch see each other: what is kept must not depend on its neighbours.
        batches = [pixels] if self.teacher.batch_independent else pixels.split(1)
        outputs = [self.teacher(batch) for batch in batches]
        rows = [torch.cat([out.descriptor, channel_matrix(out.features).flatten(1)], dim=1) for out in outputs]
        return torch.cat(rows).float().cpu().numpy()


@dataclass(frozen=True)
class TeacherCache:
    """The teacher's answers, in the order of the training places; only the rows asked for are read.

    Attributes:
        store: rows of descriptor (D) and channel matrix (C * C), float16 on disk.
        size: D.  channels: C.
    """

    store: DescriptorStore
    size: int
    channels: int

    def descriptors(self, indices: np.ndarray) -> np.ndarray:
        """Descriptors of the pictures `indices`: float32 N x D."""
        return self.store.rows(indices)[:, : self.size]

    def targets(self, indices: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Descriptors (N x D) and channel matrices before row normalisation (N x C x C), float32."""
        rows = torch.from_numpy(self.store.rows(indices))
        return rows[:, : self.size], rows[:, self.size :].reshape(-1, self.channels, self.channels)

    def bank(self, size: int, seed: int) -> torch.Tensor:
        """Descriptors of at most `size` pictures, drawn by `seed`: float32 M x D. Its size bounds the memory."""
        rows = np.random.default_rng(seed).permutation(len(self.store))[:size]
        return torch.from_numpy(self.descriptors(np.sort(rows)))

    @classmethod
    def build(cls, teacher: PlaceModel, places: Places, folder: Path) -> TeacherCache:
        """Describe every picture of `places` at `raw` into `folder`, or take what is already there."""
        describer = _DescriptorAndMatrix(teacher.eval())
        store = DescriptorStore.build(
            folder / digest(describer.digest, places.digest),
            describer,
            places.images,
            root=places.root,
            dtype="float16",
        )
        return cls(store, teacher.descriptor_size, teacher.backbone.channels)
