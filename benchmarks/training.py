"""An epoch of the default distillation on the generated town: against the bare model, and against the plain loop."""

from __future__ import annotations

import inspect
import itertools
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from lofivpr.models import PlaceModel, create_model
from lofivpr.places import Places
from lofivpr.places.town import generate_town
from lofivpr.training import Recipe, distill, losses
from lofivpr.training.run import _Run
from lofivpr.training.trainer import Trainer

PICTURES = 280  # of which about 130 train: five steps
REPEATS = 3
Row = tuple[str, str, float, float]


def rows() -> list[Row]:
    """What, baseline, seconds of the baseline, ours: medians over runs that take turns."""
    with TemporaryDirectory() as folder:
        trainer, teacher = _set_up(Path(folder))
        jobs = (
            lambda: _epoch(trainer),
            _bare(trainer),
            lambda: _plain(trainer, teacher, np.random.default_rng(0)),
        )
        ours, bare, plain = _medians(jobs)
    steps = f"epoch of {trainer.recipe.name}, {trainer.sampler.steps} steps"
    return [
        (steps, "forward + backward of tensors in memory", bare, ours),
        (steps, "encode and ask the teacher in each step", plain, ours),
    ]


def _set_up(folder: Path) -> tuple[Trainer, PlaceModel]:
    """A run whose teacher has answered and whose pictures are encoded: what happens once is not an epoch's."""
    places = Places.open(generate_town(folder / "town", pictures=PICTURES, progress=False)).split("train")
    teacher = create_model("efficientnet_lite0", "netvlad", pretrained=False).eval().requires_grad_(False)
    student = create_model("efficientnet_lite0", "netvlad", pretrained=False)
    recipe = Recipe.load(inspect.signature(distill).parameters["recipe"].default)
    return _Run(recipe, places, folder / "student", teacher=teacher)._trainer(student), teacher


def _epoch(trainer: Trainer) -> None:
    for batch, pixels in trainer._batches(0, 0):
        trainer._step(batch, torch.from_numpy(pixels))


def _bare(trainer: Trainer) -> Callable[[], None]:
    pixels = [torch.from_numpy(pixels) for _, pixels in trainer._batches(0, 0)]

    def job() -> None:
        trainer.model.train()
        for batch in pixels:
            trainer.model(batch).descriptor.sum().backward()
            trainer.optimizer.zero_grad()

    return job


def _plain(trainer: Trainer, teacher: PlaceModel, rng: np.random.Generator) -> None:
    """Nothing ahead, nothing kept: open, encode, prepare and ask the teacher, then take the step."""
    model, places, recipe = trainer.model, trainer.places, trainer.recipe
    model.train()
    order = rng.permutation(len(places))[: trainer.sampler.steps * recipe.batch_size]
    for rows in order.reshape(-1, recipe.batch_size):
        sharp = [places.open_image(int(row)) for row in rows]
        degraded = [recipe.ladder[rng.integers(len(recipe.ladder))].draw(rng).encode(image).image for image in sharp]
        with torch.inference_mode():
            target = teacher(torch.from_numpy(teacher.preprocessing.to_array(sharp)))
            matrices = losses.channel_matrix(target.features)
        output = model(torch.from_numpy(model.preprocessing.to_array(degraded)))
        total = losses.mse(output.descriptor, target.descriptor) + losses.ickd(output.features, matrices)
        trainer.optimizer.zero_grad()
        total.backward()
        torch.nn.utils.clip_grad_norm_(trainer.trained, recipe.clip_norm)
        trainer.optimizer.step()


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
    for what, baseline, before, ours in rows():
        print(f"{what}; {baseline}: {before:.2f} s, ours {ours:.2f} s, ratio {before / ours:.2f}x")
