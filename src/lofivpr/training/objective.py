"""What a step minimises: the weighted sum of a recipe's losses on one batch."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from lofivpr.errors import LofiError
from lofivpr.models import Output
from lofivpr.training import losses
from lofivpr.training.recipe import Recipe
from lofivpr.training.sampling import Batch, Relations
from lofivpr.training.teacher_cache import TeacherCache

SPREAD_PICTURES, LEAST_SPREAD = 1024, 1e-4


class Objective(Protocol):
    """Losses of a batch by name, each already weighted; their sum is minimised."""

    @property
    def adapter(self) -> nn.Module | None:
        """Layers beside the model that train with it."""
        ...

    def __call__(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        """Weighted losses, scalars that carry gradients."""
        ...


class Distillation:
    """The student's answer on the degraded picture against the teacher's on the sharp one."""

    def __init__(self, recipe: Recipe, cache: TeacherCache, channels: int) -> None:
        self.recipe = recipe
        self.cache = cache
        if "multi_similarity" in recipe.losses:
            raise LofiError("multi_similarity belongs to `train`; distil with mse, ickd, triplet, raml or contextual.")
        if "triplet" in recipe.losses and recipe.batch != "tuples":
            raise LofiError("the triplet loss needs tuples, found other batches: add --set batch=tuples.")
        self.bank = cache.bank(recipe.bank, recipe.seed) if "contextual" in recipe.losses else None
        self.unit = 1.0 if recipe.distances == "absolute" else _spread(cache, recipe.seed)
        needs_adapter = "ickd" in recipe.losses and channels != cache.channels
        self.adapter = losses.ChannelAdapter(channels, cache.channels) if needs_adapter else None

    def __call__(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        """Losses named in the recipe, weighted."""
        device = output.descriptor.device
        targets, matrices = (target.to(device) for target in self.cache.targets(batch.indices))
        if self.bank is not None:  # moved in the first step, and then it is there
            self.bank = self.bank.to(device)
        return {
            name: weight * self._loss(name, output, targets, matrices) for name, weight in self.recipe.losses.items()
        }

    def _loss(self, name: str, output: Output, targets: Tensor, matrices: Tensor) -> Tensor:
        mode = self.recipe.mode
        if name == "mse":
            return losses.mse(output.descriptor, targets, mode) / self.unit
        if name == "raml":
            return losses.raml(output.descriptor, targets)
        if self.bank is not None and name == "contextual":
            return losses.contextual(output.descriptor, targets, self.bank, self.recipe.temperature * self.unit)
        if name == "triplet":
            tuples = output.descriptor.unflatten(0, (-1, 2 + self.recipe.negatives))
            return losses.triplet(tuples[:, 0], tuples[:, 1], tuples[:, 2:], mode)
        features = output.features if self.adapter is None else self.adapter(output.features)
        return losses.ickd(features, matrices, mode)


def _spread(cache: TeacherCache, seed: int) -> float:
    pictures = cache.bank(SPREAD_PICTURES, seed)
    if len(pictures) < 2 or not (found := losses.spread(pictures)) > LEAST_SPREAD:
        raise LofiError(
            "expected a teacher that tells pictures apart, found the same descriptor for half of the pairs of "
            f"{len(pictures)} training pictures. Train it for longer, or add --set distances=absolute."
        )
    return found


class MetricLearning:
    """Multi-similarity or triplets on the model's own descriptors: a teacher, or the no-teacher control."""

    adapter: nn.Module | None = None

    def __init__(self, recipe: Recipe, relations: Relations) -> None:
        self.recipe = recipe
        self.relations = relations
        if unfit := set(recipe.losses) - {"triplet", "multi_similarity"}:
            raise LofiError(f"{', '.join(sorted(unfit))} needs a teacher: use `distill`.")
        if "triplet" in recipe.losses and recipe.batch != "tuples":
            raise LofiError("the triplet loss needs tuples, found other batches: add --set batch=tuples.")

    def __call__(self, output: Output, batch: Batch) -> dict[str, Tensor]:
        """Losses named in the recipe, weighted."""
        result = {}
        if "triplet" in self.recipe.losses:
            tuples = output.descriptor.unflatten(0, (-1, 2 + self.recipe.negatives))
            value = losses.triplet(tuples[:, 0], tuples[:, 1], tuples[:, 2:], self.recipe.mode)
            result["triplet"] = self.recipe.losses["triplet"] * value
        if "multi_similarity" in self.recipe.losses:
            similarity = output.descriptor @ output.descriptor.T
            positives, negatives = (mask.to(similarity.device) for mask in self._masks(batch.indices))
            alpha, base = self.recipe.similarity_alpha, self.recipe.similarity_base
            value = losses.multi_similarity(similarity, positives, negatives, alpha=alpha, base=base)
            result["multi_similarity"] = self.recipe.losses["multi_similarity"] * value
        return result

    def _masks(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Which pairs of the batch are positives and which are negatives. A picture drawn twice is neither."""
        positives = np.stack([np.isin(rows, self.relations.positives[row]) for row in rows])
        negatives = np.stack([self.relations.negative(row, rows) for row in rows])
        return torch.from_numpy(positives), torch.from_numpy(negatives & (rows[:, None] != rows[None]))
