"""`train` makes a teacher, `distill` makes a student: set up a run, fit it, write the model folder."""

from __future__ import annotations

import copy
import os
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lofivpr.errors import LofiError
from lofivpr.models import PlaceModel, create_model, initialise_netvlad, set_trainable_stages
from lofivpr.models.backbone_weights import load_backbone
from lofivpr.models.export import save_model
from lofivpr.models.initialise import initialise_vocabulary
from lofivpr.places import Places, cut_validation
from lofivpr.training.objective import Distillation, MetricLearning, Objective
from lofivpr.training.quality_cache import QualityCache
from lofivpr.training.recipe import Recipe
from lofivpr.training.sampling import Relations, Sampler
from lofivpr.training.teacher_cache import TeacherCache
from lofivpr.training.trainer import Trainer, make_fabric
from lofivpr.training.usable_pictures import usable_pictures
from lofivpr.training.validation import Validation

CACHE = ".quality-cache"  # beside the model, as the teacher's answers are: other students find there what they share
INITIALISATION_PICTURES = 500  # published NetVLAD practice: 100 local features from each


def distill(
    teacher: str | Path | PlaceModel,
    places: Places,
    recipe: Recipe | str | Path = "one-student",
    out: str | Path = "student",
    student: str | Path | PlaceModel | None = None,
    *,
    skip_bad: bool = False,
) -> PlaceModel:
    """Train a student that sees degraded pictures to imitate `teacher`, who sees them sharp.

    The student starts as a copy of the teacher, or from `student`, which may be another architecture with
    descriptors of the same size: ICKD then goes through a 1x1 adapter. Its card names the teacher, so that
    `evaluate` finds the descriptors that the database holds.

    Args:
        places: the training pictures, usually `Places.open(...).split("train")`.
        recipe: a Recipe, the name of one, or a YAML file.
        out: the student's model folder. An interrupted run is kept in `<out>.run` and resumed from there.
        skip_bad: leave out pictures that cannot be used; the card lists them under training.skipped.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    # Relative to the student, so that both may move together and no path of a machine is published.
    path = None if isinstance(teacher, PlaceModel) else os.path.relpath(teacher, out)
    source = teacher if isinstance(teacher, PlaceModel) else PlaceModel.load(teacher)
    source.eval().requires_grad_(False)
    run = _Run(recipe, places, Path(out), teacher=source, teacher_path=path, skip_bad=skip_bad)
    return run.fit(_first_weights(student, source))


def train(
    places: Places,
    backbone: str = "efficientnet_lite0",
    aggregator: str = "netvlad",
    recipe: Recipe | str | Path = "teacher",
    out: str | Path = "teacher",
    *,
    size: tuple[int, int] | None = None,
    weights: str | Path | None = None,
    skip_bad: bool = False,
) -> PlaceModel:
    """Train a place model without a teacher; with 0 epochs it is the backbone and the k-means initialisation.

    Args:
        places: the training pictures.
        backbone: by name; options after a colon, "resnet50:cut=layer4".
        aggregator: by name; options after a colon, "netvlad:clusters=16".
        recipe: `teacher` (sharp pictures), `no-teacher` (degraded pictures, the control) or your own.
        out: the model folder.
        size: (width, height) of the model's input, multiples of the backbone's stride; None = the nearest to
            320 x 240.
        weights: of the backbone at first: None = those that are installed, "download" (timm's), "random", a
            model folder, or a file of tensors, see `lofivpr.models.backbone_weights`.
        skip_bad: leave out pictures that cannot be used; the card lists them under training.skipped.
    """
    recipe = recipe if isinstance(recipe, Recipe) else Recipe.load(recipe)
    run = _Run(recipe, places, Path(out), skip_bad=skip_bad)  # refuses before any work
    torch.manual_seed(recipe.seed)
    model = create_model(
        backbone, aggregator, size=size, pretrained=weights in (None, "download"), download=weights == "download"
    )
    if weights not in (None, "download", "random"):
        load_backbone(model, weights)
    _initialise(model, run.data, recipe.seed)
    return run.fit(model)


def _initialise(model: PlaceModel, places: Places, seed: int) -> None:
    """What the aggregator starts from where it starts from data."""
    start = {"netvlad": initialise_netvlad, "vlad": initialise_vocabulary}.get(model.config.aggregator)
    if start is not None:
        rows = np.random.default_rng(seed).permutation(len(places))[:INITIALISATION_PICTURES]
        start(model, _Pictures(places, rows), seed=seed)


def _first_weights(student: str | Path | PlaceModel | None, teacher: PlaceModel) -> PlaceModel:
    """The network that will be trained. Raises LofiError: descriptors of another size than the teacher's."""
    if student is None:
        return copy.deepcopy(teacher)
    model = student if isinstance(student, PlaceModel) else PlaceModel.load(student)
    if model.descriptor_size != teacher.descriptor_size:
        raise LofiError(
            f"expected a student with descriptors of {teacher.descriptor_size} numbers like its teacher's, "
            f"found {model.descriptor_size}: change its clusters or its whitening."
        )
    return model


class _Pictures(Sequence[np.ndarray]):
    """Pictures of places, each opened when it is asked for, so that few are held at once."""

    def __init__(self, places: Places, rows: np.ndarray) -> None:
        self.places, self.rows = places, rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return _Pictures(self.places, self.rows[index])
        return self.places.open_image(int(self.rows[index]))


class _Run:
    """One training run: its data, its folder while it lasts, and the card it leaves."""

    def __init__(
        self,
        recipe: Recipe,
        places: Places,
        out: Path,
        teacher: PlaceModel | None = None,
        teacher_path: str | None = None,
        skip_bad: bool = False,
    ) -> None:
        if out.exists():
            raise LofiError(f"expected a new folder for the model, found {out}: remove it or choose another --out.")
        self.recipe, self.out = recipe, out
        self.data, self.skipped = usable_pictures(places, recipe.ladder) if skip_bad else (places, [])
        self.teacher, self.teacher_path = teacher, teacher_path
        self.folder = out.with_name(out.name + ".run")

    def fit(self, model: PlaceModel) -> PlaceModel:
        """Fit, save the folder with its card, and remove what only the run needed."""
        started = time.monotonic()
        if self.recipe.quality_aware and self.recipe.epochs > 0 and not model.affines:
            model = model.with_quality_affines()
        metrics: list[dict[str, Any]] = []
        if self.recipe.epochs > 0:
            metrics = self._trainer(model).fit()
        model.eval()
        if make_fabric().is_global_zero:
            card = self._card(model, metrics, seconds=time.monotonic() - started)
            save_model(model.cpu(), self.out, card, beside=self._records())
            model.card = card
            shutil.rmtree(self.folder, ignore_errors=True)
        return model

    def _records(self) -> dict[str, str]:
        """The recipe and, of a run that trained, its metrics: they go into the model folder with the model."""
        metrics = self.folder / "metrics.jsonl"
        found = {"metrics.jsonl": metrics.read_text(encoding="utf-8")} if metrics.is_file() else {}
        return {"recipe.yaml": self.recipe.to_yaml(), **found}

    def _trainer(self, model: PlaceModel) -> Trainer:
        torch.manual_seed(self.recipe.seed)  # an adapter's first weights
        kept, held_out = self._cut()
        model.requires_grad_(True)
        stages = self.recipe.trainable_stages
        set_trainable_stages(model, None if stages == "all" else stages)
        sampler, objective = self._objective(model, kept)
        validation = None if held_out is None else self._validation(held_out)
        identity = {
            "recipe": self.recipe.digest,
            "training pictures": kept.digest,
            "first weights": model.digest,
            "teacher": self.teacher.digest if self.teacher else "none",
        }
        cache = self._encode_ahead(kept, sampler)
        return Trainer(model, self.recipe, kept, sampler, objective, validation, self.folder, identity, cache)

    def _cut(self) -> tuple[Places, Places | None]:
        """What trains, and what validates: the same cut for every seed."""
        recipe = self.recipe
        if recipe.validation_fraction == 0:
            return self.data, None
        return cut_validation(self.data, fraction=recipe.validation_fraction, gap_m=recipe.validation_gap_m)

    def _validation(self, held_out: Places) -> Validation:
        folder = self.out.parent / CACHE
        return Validation.build(held_out, self.recipe.positives, self.recipe.rungs, self.teacher, folder)

    def _objective(self, model: PlaceModel, kept: Places) -> tuple[Sampler, Objective]:
        if self.teacher is None:
            sampler = Sampler(self.recipe, kept)
            relations = sampler.relations or Relations(kept, self.recipe.positives, self.recipe.negative_radius_m)
            return sampler, MetricLearning(self.recipe, relations)
        # Beside the model, not in the run's folder: the next student of this teacher takes it as it is.
        cache = TeacherCache.build(self.teacher.to(make_fabric().device), kept, self.out.parent / ".teacher-cache")
        return Sampler(self.recipe, kept, cache.descriptors), Distillation(self.recipe, cache, model.backbone.channels)

    def _encode_ahead(self, kept: Places, sampler: Sampler) -> QualityCache:
        fabric = make_fabric()
        share = fabric.global_rank, fabric.world_size
        cache = QualityCache.build(kept, sampler.foreseen(), self.out.parent / CACHE, share=share)
        fabric.barrier()
        cache.refresh()
        return cache

    def _card(self, model: PlaceModel, metrics: list[dict[str, Any]], seconds: float) -> dict[str, Any]:
        validated = [metric for metric in metrics if "recall@1" in metric]
        card: dict[str, Any] = {
            "recipe": self.recipe.model_dump(mode="json"),
            "training": {
                "pictures": len(self.data),
                "places_digest": self.data.digest,
                "steps": max((metric["step"] for metric in metrics), default=0),
                "seconds": round(seconds, 1),
                "validation": validated,
            },
        }
        if self.skipped:
            card["training"]["skipped"] = [{"image": bad.image, "reason": bad.reason} for bad in self.skipped]
        if self.teacher is not None:
            card["teacher"] = {
                "digest": self.teacher.digest,
                "path": self.teacher_path,
                "name": self.teacher.name,
            }
        return card
