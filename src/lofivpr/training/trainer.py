"""The training loop: the same for a teacher, a student and the control."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from rich.progress import Progress
from torch import nn

from lofivpr.errors import LofiError
from lofivpr.files import atomic_path, write_atomic
from lofivpr.models import PlaceModel
from lofivpr.places import Places
from lofivpr.training.loader import load_batches
from lofivpr.training.memory import keep_large_blocks
from lofivpr.training.objective import Objective
from lofivpr.training.quality_cache import QualityCache
from lofivpr.training.recipe import Recipe
from lofivpr.training.sampling import Batch, Sampler
from lofivpr.training.validation import Validation

CHECKPOINT_STEPS = 50
AFFINE_FACTOR = 5.0  # the quality's scales and shifts begin at 0 and have a way to go; the shared weights do not


@dataclass
class Progressed:
    """How far a run has come: all that a resumed run needs beside weights and optimizer."""

    step: int = 0
    metrics: list[dict[str, Any]] = field(default_factory=list)
    best: float = -math.inf
    best_weights: dict[str, torch.Tensor] | None = None


class Trainer:
    """Fits a model's trainable part to an objective.

    Args:
        validation: chooses the epoch whose weights stay; None = the last.
        folder: where `checkpoint.pt` and `metrics.jsonl` live while the run lasts.
        cache: training pictures that were encoded ahead.
        identity: what must be equal for a checkpoint to be resumed (recipe, data, teacher).
    """

    def __init__(
        self,
        model: PlaceModel,
        recipe: Recipe,
        places: Places,
        sampler: Sampler,
        objective: Objective,
        validation: Validation | None,
        folder: Path,
        identity: dict[str, str],
        cache: QualityCache | None = None,
    ) -> None:
        keep_large_blocks()
        self.fabric = make_fabric()
        self.model, self.recipe, self.places = model, recipe, places
        self.sampler, self.objective, self.validation = sampler, objective, validation
        self.folder, self.identity, self.cache = folder, identity, cache
        self.progressed = Progressed()
        self.total = sampler.steps * recipe.epochs
        parts = nn.ModuleDict({"model": model})
        if objective.adapter is not None:
            parts["adapter"] = objective.adapter
        self.trained = [parameter for parameter in parts.parameters() if parameter.requires_grad]
        kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
        optimizer = kind(self._groups(), lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
        self.wrapped, self.optimizer = self.fabric.setup(model, optimizer)
        if objective.adapter is not None:
            objective.adapter.to(self.fabric.device)

    def _groups(self) -> list[dict[str, Any]]:
        """The trained parameters, and apart from them the quality's scales and shifts."""
        affines = {parameter for layer in self.model.affines for parameter in layer.affine.parameters()}
        shared = [parameter for parameter in self.trained if parameter not in affines]
        groups: list[dict[str, Any]] = [{"params": shared, "factor": 1.0}]
        if affines:
            own = [parameter for parameter in self.trained if parameter in affines]
            groups.append({"params": own, "factor": AFFINE_FACTOR, "weight_decay": 0.0})
        return groups

    def fit(self) -> list[dict[str, Any]]:
        """Train, keep the last weights, with a validation the last whose recall@1 is the best within a standard error.

        Returns the metrics.

        An interrupt leaves a checkpoint from which the same call goes on to the same weights.
        """
        self._resume()
        if self.progressed.step == 0 and not self.progressed.metrics:
            self._validate(epoch=0)
        with Progress(disable=not self.fabric.is_global_zero, transient=True) as bar:
            task = bar.add_task(f"train {self.recipe.name}", total=self.total, completed=self.progressed.step)
            while self.progressed.step < self.total:
                epoch, first = divmod(self.progressed.step, self.sampler.steps)
                for batch, pixels in self._batches(epoch, first):
                    loss = self._step(batch, torch.from_numpy(pixels).to(self.fabric.device))
                    bar.update(task, advance=1, description=f"train {self.recipe.name} loss {loss:.4f}")
                    if self.progressed.step % CHECKPOINT_STEPS == 0:
                        self._save()
                self._validate(epoch + 1)
                self._save()
        if self.progressed.best_weights is not None:
            self.model.load_state_dict(self.progressed.best_weights)
        return self.progressed.metrics

    def _batches(self, epoch: int, first: int) -> Iterator[tuple[Batch, Any]]:
        item = self.recipe.pictures_per_item
        shards = (
            batch.shard(self.fabric.global_rank, self.fabric.world_size, item)
            for batch in self.sampler.epoch(epoch, first)
        )
        return load_batches(self.places, shards, self.model.preprocessing, cache=self.cache)

    def _step(self, batch: Batch, pixels: torch.Tensor) -> float:
        self.model.train()
        rate = learning_rate(self.recipe, self.progressed.step, self.total)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        known = self.model.conditions(batch.qualities, len(pixels))
        output = self.wrapped(pixels, None if known is None else known.to(pixels.device))
        parts = self.objective(output, batch)
        total = torch.stack(list(parts.values())).sum()
        if not torch.isfinite(total):
            raise LofiError(f"the loss became {total.item()} at step {self.progressed.step}: lower learning_rate.")
        self.optimizer.zero_grad()
        self.fabric.backward(total)
        self._average_adapter()
        norm = torch.nn.utils.clip_grad_norm_(self.trained, self.recipe.clip_norm)
        self.optimizer.step()
        self.progressed.step += 1
        self.progressed.metrics.append(
            {
                "step": self.progressed.step,
                "learning_rate": rate,
                "loss": total.item(),
                "gradient_norm": norm.item(),
            }
            | {f"loss_{name}": value.item() for name, value in parts.items()}
        )
        return float(total.item())

    def _average_adapter(self) -> None:
        """Mean over processes of the adapter's gradients: it runs outside the wrapped model."""
        if self.objective.adapter is not None:
            for parameter in self.objective.adapter.parameters():
                if parameter.grad is not None:
                    mean = self.fabric.all_reduce(parameter.grad, reduce_op="mean")
                    parameter.grad.copy_(cast(torch.Tensor, mean))

    def _validate(self, epoch: int) -> None:
        if self.validation is None:
            return
        recall = self.validation.recall(self.model)
        self.progressed.metrics.append({"step": self.progressed.step, "epoch": epoch} | recall)
        # A student may stay its teacher; a teacher that stays its initialisation would not be one.
        eligible = epoch > 0 or self.validation.database is not None
        best = max(self.progressed.best, recall["recall@1"])
        # The last epoch that is as good as the best but for chance: it has seen more pictures, and its rate is lower.
        if eligible and recall["recall@1"] >= best - self.validation.standard_error(best):
            self.progressed.best = best
            state = self.model.state_dict()
            self.progressed.best_weights = {name: tensor.detach().cpu().clone() for name, tensor in state.items()}
        if self.fabric.is_global_zero:
            self.fabric.print(f"epoch {epoch}/{self.recipe.epochs}: " + _spoken(recall))

    def _save(self) -> None:
        if not self.fabric.is_global_zero:
            return
        adapter = self.objective.adapter
        state = {
            "identity": self.identity,
            "model": self.model.state_dict(),
            "adapter": None if adapter is None else adapter.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "progressed": vars(self.progressed),
        }
        with atomic_path(self.folder / "checkpoint.pt") as temporary:
            torch.save(state, temporary)
        lines = "".join(json.dumps(metric) + "\n" for metric in self.progressed.metrics)
        write_atomic(self.folder / "metrics.jsonl", lines)

    def _resume(self) -> None:
        path = self.folder / "checkpoint.pt"
        if not path.is_file():
            return
        state = torch.load(path, map_location=self.fabric.device, weights_only=True)
        if state["identity"] != self.identity:
            differ = [key for key in self.identity if state["identity"].get(key) != self.identity[key]]
            raise LofiError(
                f"{self.folder} holds an unfinished run whose {' and '.join(differ)} differ: "
                "start it again as it was, remove that folder, or choose another --out."
            )
        self.model.load_state_dict(state["model"])
        if self.objective.adapter is not None:
            self.objective.adapter.load_state_dict(state["adapter"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.progressed = Progressed(**state["progressed"])


def make_fabric() -> Fabric:
    """One process, or the processes that `torchrun` started."""
    processes = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    strategy = "ddp_find_unused_parameters_true" if processes > 1 else "auto"
    fabric = Fabric(devices=processes, num_nodes=int(os.environ.get("GROUP_WORLD_SIZE", "1")), strategy=strategy)
    fabric.launch()
    return fabric


def learning_rate(recipe: Recipe, step: int, total: int) -> float:
    """The rate of a step: a pure function, so that a resumed run needs no scheduler state.

    one-cycle: linear warm-up over the first tenth, then a cosine to 1 % of the peak.
    """
    if recipe.schedule == "constant":
        return recipe.learning_rate
    if recipe.schedule == "exponential":
        return recipe.learning_rate * recipe.decay**step
    warm_up = max(1, total // 10)
    if step < warm_up:
        return recipe.learning_rate * (step + 1) / warm_up
    share = (step - warm_up) / max(1, total - warm_up)
    return recipe.learning_rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))


def _spoken(recall: dict[str, float]) -> str:
    return ", ".join(f"validation {name} {value:.1f}" for name, value in recall.items())
