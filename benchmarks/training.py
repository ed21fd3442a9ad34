"""An epoch of the default distillation on the generated town: against the bare model, and against the plain loop."""

from __future__ import annotations

import copy
import inspect
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from benchmarks.timing import Row
from lofivpr.models import PlaceModel, create_model
from lofivpr.places import Places
from lofivpr.places.town import generate_town
from lofivpr.training import Recipe, distill, losses
from lofivpr.training.run import _Run
from lofivpr.training.trainer import Trainer

PICTURES = 200  # of which 76 train, in three steps
REPEATS = 3


def rows() -> list[Row]:
    """What, baseline, seconds of the baseline, ours: medians over runs that take turns."""
    with TemporaryDirectory() as folder:
        trainer, teacher = set_up(made_town(Path(folder)), Path(folder) / "student")
        ours, bare, plain = _medians((lambda: epoch(trainer), _bare(trainer), _plain(trainer, teacher)))
    steps = f"epoch of {trainer.recipe.name}, {trainer.sampler.steps} steps"
    return [
        Row(steps, "forward + backward of tensors in memory", bare, ours, "s", bare, "the baseline itself"),
        Row(steps, "encode and ask the teacher in each step", plain, ours),
    ]


def made_town(folder: Path) -> Path:
    """The pictures that train."""
    return generate_town(folder / "town", pictures=PICTURES, progress=False)


def set_up(town: Path, out: Path) -> tuple[Trainer, PlaceModel]:
    """A run whose teacher has answered and whose pictures are encoded: what happens once is not an epoch's."""
    torch.manual_seed(0)
    places = Places.open(town).split("train")
    teacher = create_model("efficientnet_lite0", "netvlad", pretrained=False).eval().requires_grad_(False)
    student = create_model("efficientnet_lite0", "netvlad", pretrained=False)
    recipe = Recipe.load(inspect.signature(distill).parameters["recipe"].default)
    if recipe.quality_aware:
        student = student.with_quality_affines()
    return _Run(recipe, places, out, teacher=teacher)._trainer(student), teacher


def epoch(trainer: Trainer) -> None:
    """All steps of an epoch, as a run takes them."""
    for batch, pixels in trainer._batches(0, 0):
        trainer._step(batch, torch.from_numpy(pixels))


def _bare(trainer: Trainer) -> Callable[[], None]:
    """No loading, no teacher, no loss, no optimizer."""
    model = trainer.model
    tensors = [
        (torch.from_numpy(pixels), model.conditions(batch.qualities, len(pixels)))
        for batch, pixels in trainer._batches(0, 0)
    ]

    def job() -> None:
        model.train()
        for pixels, known in tensors:
            model(pixels, known).descriptor.sum().backward()
            trainer.optimizer.zero_grad()

    return job


class _LiveTeacher:
    """Targets as the teacher's cache gives them, asked anew each time."""

    def __init__(self, teacher: PlaceModel, places: Places) -> None:
        self.teacher, self.places = teacher, places

    @torch.no_grad()
    def targets(self, indices: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        sharp = [self.places.open_image(int(row)) for row in indices]
        output = self.teacher(torch.from_numpy(self.teacher.preprocessing.to_array(sharp)))
        return output.descriptor, losses.channel_matrix(output.features)


def _plain(trainer: Trainer, teacher: PlaceModel) -> Callable[[], None]:
    """The same steps with nothing ahead and nothing kept: each opens, encodes, prepares and asks the teacher."""
    plain = copy.copy(trainer)
    plain.objective = copy.copy(trainer.objective)
    plain.objective.cache = _LiveTeacher(teacher, trainer.places)  # type: ignore[attr-defined]

    def job() -> None:
        for batch in trainer.sampler.epoch(0):
            pairs = zip(batch.indices, batch.qualities, strict=True)
            seen = [quality.encode(trainer.places.open_image(int(row))).image for row, quality in pairs]
            plain._step(batch, torch.from_numpy(trainer.model.preprocessing.to_array(seen)))

    return job


def _medians(jobs: tuple[Callable[[], None], ...]) -> list[float]:
    """Median seconds of each, after one run that warms up. They take turns, so that a busy minute meets them all."""
    times: list[list[float]] = [[] for _ in jobs]
    for turn, (kept, job) in itertools.product(range(REPEATS + 1), zip(times, jobs, strict=True)):
        started = time.perf_counter()
        job()
        if turn > 0:
            kept.append(time.perf_counter() - started)
    return [statistics.median(kept) for kept in times]


if __name__ == "__main__":
    for row in rows():
        print(f"{row.what}; {row.baseline}: {row.before:.2f} s, ours {row.ours:.2f} s, {row.before / row.ours:.2f}x")
