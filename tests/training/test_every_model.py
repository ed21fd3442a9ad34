"""Every model distils from and into every other, and goes the whole way: folder, ONNX, evaluation, map."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import get_args

import numpy as np
import pytest
import torch

from aggregator_options import declared
from lofivpr.evaluation.evaluate import evaluate
from lofivpr.maps import Map
from lofivpr.models import OnnxModel, PlaceModel, aggregator_names, create_model, load_describer
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.training import Recipe
from lofivpr.training.losses import channel_matrix
from lofivpr.training.objective import Distillation
from lofivpr.training.recipe import LossName
from lofivpr.training.sampling import Batch

SIZE = 448  # numbers in every descriptor, so that any may teach any
OPTIONS = declared("OF_448")
LOSSES = [name for name in get_args(LossName) if name != "multi_similarity"]
TUPLES, NEGATIVES = 2, 2
COUNT = TUPLES * (2 + NEGATIVES)


def tiny(name: str, transformer: bool, seed: int = 0) -> PlaceModel:
    backbone, size = ("tiny_vit", (84, 56)) if transformer else ("tiny", (80, 64))
    return create_model(backbone, name, size=size, seed=seed, **OPTIONS[name])


@pytest.fixture(scope="module")
def taught() -> dict[str, SimpleNamespace]:
    """What each teacher says of the same sharp pictures, in the form of the cache on disk."""
    generator = torch.Generator().manual_seed(0)
    found = {}
    for number, name in enumerate(OPTIONS):
        teacher = tiny(name, transformer=number % 2 == 0)
        width, height = teacher.preprocessing.size
        with torch.no_grad():
            output = teacher(torch.randn(COUNT, 3, height, width, generator=generator))
        answers = output.descriptor, channel_matrix(output.features)
        found[name] = SimpleNamespace(
            channels=teacher.backbone.channels,
            targets=lambda rows, answers=answers: answers,
            bank=lambda count, seed, answers=answers: answers[0],
        )
    return found


def test_every_aggregator_is_here() -> None:
    assert set(OPTIONS) == set(aggregator_names())
    assert {tiny(name, True).descriptor_size for name in OPTIONS} == {SIZE}


@pytest.mark.parametrize("name", OPTIONS)
def test_one_step_of_every_teacher_and_loss(name: str, taught: dict[str, SimpleNamespace]) -> None:
    student = tiny(name, transformer=list(OPTIONS).index(name) % 2 == 1, seed=1).train()
    width, height = student.preprocessing.size
    torch.manual_seed(0)
    output = student(torch.randn(COUNT, 3, height, width))
    batch = Batch(np.arange(COUNT), [Quality.parse("raw")] * COUNT)
    settings = ["losses={" + ", ".join(f"{loss}: 1.0" for loss in LOSSES) + "}", f"negatives={NEGATIVES}"]
    recipe = Recipe.load("paper").with_settings([*settings, "mode=mean"])
    last = [p for stage in student.backbone.stages()[-1:] for module in stage for p in module.parameters()]
    for teacher, cache in taught.items():
        parts = Distillation(recipe, cache, student.backbone.channels)(output, batch)  # type: ignore[arg-type]
        assert set(parts) == set(LOSSES)
        for loss, value in parts.items():
            gradients = torch.autograd.grad(value, last, retain_graph=True)
            norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
            assert value.isfinite() and norm.isfinite() and norm > 0, f"{teacher} teaches {name} by {loss}"


@pytest.mark.parametrize("transformer", [False, True])
def test_the_whole_way(transformer: bool, places: Places, tmp_path: Path) -> None:
    folders = [tmp_path / name for name in OPTIONS]
    picture = places.open_image(0)
    for folder in folders:
        model = tiny(folder.name, transformer)
        digest = model.save(folder)
        loaded, onnx = PlaceModel.load(folder), load_describer(folder)
        assert isinstance(onnx, OnnxModel) and onnx.digest == loaded.digest == digest
        np.testing.assert_array_equal(loaded.describe([picture]), model.describe([picture]))
        np.testing.assert_allclose(onnx.describe([picture]), model.describe([picture]), atol=1e-4)
        built = Map.build(onnx, places, tmp_path / f"{folder.name}.map")
        assert len(built) == len(places)
        fix = built.locate(onnx, picture, calibrated=False)
        assert fix.candidates[0].row == 0  # the picture itself is in the map
    results = evaluate(folders, places, qualities=["raw", "48p/jpeg:5"], positives="10m", progress=False)
    raw = [row.recall[1] for row in results.rows if str(row.quality) == "raw"]
    assert len(results.rows) == 2 * len(OPTIONS) == 2 * len(raw)
    assert min(raw) > 50, raw  # the two views of a spot differ by noise only
