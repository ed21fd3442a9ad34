"""Whole runs of the real path on tiny models: what a run must keep, whatever happens."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from lofivpr.errors import LofiError
from lofivpr.evaluation.contenders import contenders
from lofivpr.models import Output, PlaceModel, create_model, initialise_netvlad, load_describer
from lofivpr.models.initialise import READ_AHEAD
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.training import Recipe, distill, train
from lofivpr.training.losses import multi_similarity
from lofivpr.training.objective import MetricLearning
from lofivpr.training.sampling import Batch, Sampler
from lofivpr.training.trainer import Trainer
from lofivpr.training.validation import Validation

BASE = [
    "qualities=[raw, '16p', '48p/jpeg:2']",
    "epochs=2",
    "batch_size=8",
    "positives=10m",
    "learning_rate=0.002",
    "validation_fraction=0.25",
    "validation_gap_m=30",
    "negative_radius_m=30",
]


@pytest.fixture
def last_epoch_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Equal recall at every epoch: the last is kept, so that a test sees the weights that training made."""
    monkeypatch.setattr(Validation, "recall", lambda self, model: {"recall@1": 50.0, "recall@5": 50.0})


def _recipe(*settings: str, name: str = "all-qualities") -> Recipe:
    return Recipe.load(name).with_settings([*BASE, *settings])


def _same(a: PlaceModel, b: PlaceModel) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


def _lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def test_a_student_learns_is_saved_and_names_its_teacher(places: Places, teacher_folder: Path, tmp_path: Path) -> None:
    student = distill(teacher_folder, places, _recipe("epochs=6"), tmp_path / "student")
    lines = _lines(tmp_path / "student")
    steps = [line["loss"] for line in lines if "loss" in line]
    assert np.mean(steps[-8:]) < 0.7 * np.mean(steps[:4])
    card = json.loads((tmp_path / "student" / "card.json").read_text())
    assert card["teacher"]["digest"] == PlaceModel.load(teacher_folder).digest
    assert Path(card["teacher"]["path"]).name == "teacher"
    assert contenders([student])[0].teacher == card["teacher"]  # the object knows as much as the folder
    # The weights that were trained are those that are saved: as torch and as ONNX.
    image = places.open_image(0)
    np.testing.assert_allclose(
        load_describer(tmp_path / "student").describe([image]), student.describe([image]), atol=1e-5
    )
    assert not (tmp_path / "student.run").exists()
    best = max(line["recall@1"] for line in lines if "recall@1" in line)
    assert card["training"]["validation"][0]["step"] == 0 and best >= card["training"]["validation"][0]["recall@1"]


@pytest.mark.parametrize(("recalls", "kept"), [((50, 60, 59, 30), 2), ((50, 60, 40, 30), 1), ((90, 40, 30, 20), 0)])
def test_the_last_epoch_within_chance_of_the_best_is_kept(
    recalls: tuple[int, ...],
    kept: int,
    places: Places,
    teacher_folder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    digests: list[str] = []

    def recall(self: Validation, model: PlaceModel) -> dict[str, float]:
        digests.append(model.digest)
        return {"recall@1": float(recalls[len(digests) - 1]), "recall@5": 0.0}

    monkeypatch.setattr(Validation, "recall", recall)
    student = distill(teacher_folder, places, _recipe("epochs=3"), tmp_path / "student")
    assert len(set(digests)) == 4 and student.digest == digests[kept]


def test_without_a_validation_every_picture_trains_and_the_last_weights_stay(
    places: Places, teacher_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []
    stepped: list[str] = []
    whole = Trainer._step

    def step(self: Trainer, batch: Batch, pixels: torch.Tensor) -> float:
        loss = whole(self, batch, pixels)
        seen.extend(batch.indices.tolist())
        stepped.append(self.model.digest)
        return loss

    monkeypatch.setattr(Trainer, "_step", step)
    settings = ("epochs=2", "validation_fraction=0", "batch_size=4")
    student = distill(teacher_folder, places, _recipe(*settings), tmp_path / "student")
    assert set(seen) == set(range(len(places))) and student.digest == stepped[-1] != stepped[-2]
    assert not any("recall@1" in line for line in _lines(tmp_path / "student"))


@pytest.mark.usefixtures("last_epoch_kept")
def test_only_the_chosen_layers_change_and_no_batch_statistics(
    places: Places, teacher_folder: Path, tmp_path: Path
) -> None:
    teacher = PlaceModel.load(teacher_folder)
    student = distill(teacher_folder, places, _recipe("trainable_stages=1"), tmp_path / "student")
    before, after = teacher.state_dict(), student.state_dict()
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed and all(name.startswith(("aggregator.", "backbone.layers.stage3.")) for name in changed)
    assert not any("running" in name or "tracked" in name for name in changed)


@pytest.mark.usefixtures("last_epoch_kept")
def test_all_stages_train_when_asked(places: Places, teacher_folder: Path, tmp_path: Path) -> None:
    recipe = _recipe("trainable_stages=all", "losses=contextual", "bank=6")
    student = distill(teacher_folder, places, recipe, tmp_path / "student")
    before, after = PlaceModel.load(teacher_folder).state_dict(), student.state_dict()
    convolutions = [name for name in before if name.startswith("backbone.") and before[name].ndim == 4]
    assert convolutions and not any(torch.equal(before[name], after[name]) for name in convolutions)


@pytest.mark.usefixtures("last_epoch_kept")
def test_a_quality_aware_student_learns_from_the_quality(places: Places, teacher_folder: Path, tmp_path: Path) -> None:
    recipe = _recipe("quality_aware=true", "trainable_stages=0", "qualities=[raw, 24p, 'jpeg:5']")
    student = distill(teacher_folder, places, recipe, tmp_path / "student")
    moved = [affine.affine.weight.abs().sum() > 0 for affine in student.affines]
    assert moved and all(moved)  # they train although every stage of the backbone is frozen
    image = places.open_image(0)
    low = student.describe([image], [Quality.parse("jpeg:5")])
    assert np.abs(low - student.describe([image])).max() > 1e-4
    loaded = load_describer(tmp_path / "student")
    np.testing.assert_allclose(loaded.describe([image], [Quality.parse("jpeg:5")]), low, atol=1e-4)


@pytest.mark.usefixtures("last_epoch_kept")
def test_the_same_recipe_gives_the_same_weights_and_a_seed_others(
    places: Places, teacher_folder: Path, tmp_path: Path
) -> None:
    a, b, c = (
        distill(teacher_folder, places, _recipe(f"seed={seed}"), tmp_path / name)
        for name, seed in (("a", 0), ("b", 0), ("c", 1))
    )
    assert _same(a, b)
    assert not _same(a, c)


@pytest.mark.usefixtures("last_epoch_kept")
def test_an_interrupted_run_resumes_to_the_same_weights(
    places: Places, teacher_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = distill(teacher_folder, places, _recipe(), tmp_path / "whole")
    monkeypatch.setattr("lofivpr.training.trainer.CHECKPOINT_STEPS", 2)
    step = Trainer._step

    def interrupted(self: Trainer, *args: Any) -> float:
        if self.progressed.step == 5:
            raise KeyboardInterrupt
        return step(self, *args)

    monkeypatch.setattr(Trainer, "_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        distill(teacher_folder, places, _recipe(), tmp_path / "student")
    assert (tmp_path / "student.run" / "checkpoint.pt").is_file() and not (tmp_path / "student").exists()
    monkeypatch.setattr(Trainer, "_step", step)
    with pytest.raises(LofiError, match="recipe"):
        distill(teacher_folder, places, _recipe("seed=5"), tmp_path / "student")
    resumed = distill(teacher_folder, places, _recipe(), tmp_path / "student")
    assert _same(whole, resumed)
    assert _lines(tmp_path / "whole") == _lines(tmp_path / "student")


@pytest.mark.parametrize("losses", ["mse", "ickd", "triplet", "mse+ickd+triplet", "raml", "raml+triplet", "contextual"])
@pytest.mark.usefixtures("last_epoch_kept")
def test_every_loss_runs(losses: str, places: Places, teacher_folder: Path, tmp_path: Path) -> None:
    recipe = _recipe(f"losses={losses}", "batch_size=2", "steps_per_epoch=2", "epochs=1", name="paper")
    student = distill(teacher_folder, places, recipe, tmp_path / "student")
    assert not _same(student, PlaceModel.load(teacher_folder))


@pytest.mark.usefixtures("last_epoch_kept")
def test_a_student_of_another_architecture_learns_through_the_adapter(places: Places, tmp_path: Path) -> None:
    teacher = create_model("efficientnet_lite0", "netvlad", size=(64, 48), pretrained=False, clusters=4)
    student = create_model("tiny", "netvlad", size=(64, 48), clusters=14)
    assert teacher.backbone.channels != student.backbone.channels
    distill(teacher, places, _recipe("epochs=4"), tmp_path / "student", student=student)
    steps = [line["loss_ickd"] for line in _lines(tmp_path / "student") if "loss_ickd" in line]
    assert np.mean(steps[-4:]) < np.mean(steps[:4])
    with pytest.raises(LofiError, match="448"):
        distill(teacher, places, _recipe(), tmp_path / "other", student=create_model("tiny", "netvlad", size=(64, 48)))


@pytest.mark.parametrize("name", ["teacher", "no-teacher", "gsv-cities"])
def test_metric_learning_improves_its_own_loss(name: str, places: Places, tmp_path: Path) -> None:
    recipe = _recipe("epochs=6", "batch_size=6", "per_place=2", name=name)
    train(places, "tiny", "netvlad", recipe, tmp_path / "model")
    steps = [line["loss"] for line in _lines(tmp_path / "model") if "loss" in line]
    assert np.mean(steps[-5:]) < np.mean(steps[:5])


def test_places_by_name_make_batches_of_places_and_pictures(places: Places, tmp_path: Path) -> None:
    names = np.array([image.partition("_")[0] for image in places.images])
    named = places.with_column("place", names.tolist())
    size = ["batch_size=6", "per_place=2", "steps_per_epoch=2", "epochs=1", "validation_gap_m=30"]
    recipe = Recipe.load("gsv-cities").with_settings(size)
    sampler = Sampler(recipe, named)
    assert sampler.relations is not None
    learning = MetricLearning(recipe, sampler.relations)
    for batch in sampler.epoch(0):
        shown = names[batch.indices]
        assert (shown[::2] == shown[1::2]).all() and len(shown) == 12
        positives, negatives = learning._masks(batch.indices)
        same = shown[:, None] == shown[None]
        np.testing.assert_array_equal(positives, same & (batch.indices[:, None] != batch.indices[None]))
        far = np.abs(names.astype(int)[batch.indices][:, None] - names.astype(int)[batch.indices][None]) * 20 > 25
        np.testing.assert_array_equal(negatives, far)  # spots are 20 m apart: a neighbour is neither
        x = torch.nn.functional.normalize(torch.randn(12, 5, generator=torch.Generator().manual_seed(0)), dim=1)
        found = learning(Output(x, x), batch)["multi_similarity"]
        assert found == multi_similarity(x @ x.T, positives, negatives, alpha=1.0, base=0.0) > 0
    assert train(named, "tiny", "gem", recipe, tmp_path / "model").card["training"]["steps"] == 2


def test_no_epochs_is_the_initialisation_only(places: Places, tmp_path: Path) -> None:
    a = train(places, "tiny", "netvlad", _recipe("epochs=0", name="teacher"), tmp_path / "a")
    assert not a.training and (tmp_path / "a" / "model.onnx").is_file()
    assert not (tmp_path / "a" / "metrics.jsonl").exists()


def test_the_initialisation_holds_few_pictures(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: weakref.WeakSet[np.ndarray] = weakref.WeakSet()
    most = 0
    opened = Places.open_image

    def watched(self: Places, row: int) -> np.ndarray:
        nonlocal most
        image = opened(self, row).view(_Watched)
        held.add(image)
        most = max(most, len(held))
        return image

    monkeypatch.setattr(Places, "open_image", watched)
    model = train(places, "tiny", "netvlad", _recipe("epochs=0", "seed=3", name="teacher"), tmp_path / "a")
    assert 0 < most <= 2 * READ_AHEAD < len(places)
    monkeypatch.undo()
    torch.manual_seed(3)
    reference = create_model("tiny", "netvlad")
    rows = np.random.default_rng(3).permutation(len(places))
    initialise_netvlad(reference, [places.open_image(int(row)) for row in rows], seed=3)
    assert _same(model, reference)


class _Watched(np.ndarray):
    """A picture that can be looked at without being kept, and told from others of its pixels."""

    __hash__ = object.__hash__

    def __eq__(self, other: object) -> Any:
        return self is other


def test_a_model_folder_appears_whole(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever ends the process once the folder is there, the recipe and the metrics are in it."""
    out, replace = tmp_path / "model", os.replace

    def killed(source: Any, target: Any) -> None:
        replace(source, target)
        if Path(target) == out:
            raise KeyboardInterrupt

    monkeypatch.setattr("lofivpr.files.os.replace", killed)
    with pytest.raises(KeyboardInterrupt):
        train(places, "tiny", "netvlad", _recipe("epochs=1", name="teacher"), out)
    assert {"config.json", "card.json", "model.onnx", "recipe.yaml", "metrics.jsonl"} <= {f.name for f in out.iterdir()}
    assert Recipe.load(str(out / "recipe.yaml")).epochs == 1 and len(_lines(out)) > 1


def test_refusals(places: Places, teacher_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(LofiError, match="new folder"):
        distill(teacher_folder, places, _recipe(), teacher_folder)
    with pytest.raises(LofiError, match="teacher"):
        train(places, "tiny", "netvlad", _recipe("losses=mse", name="teacher"), tmp_path / "a")
    with pytest.raises(LofiError, match="batch=tuples"):
        distill(teacher_folder, places, _recipe("losses=triplet"), tmp_path / "b")
    with pytest.raises(LofiError, match="train"):
        distill(teacher_folder, places, _recipe("losses=multi_similarity"), tmp_path / "c")


@pytest.mark.usefixtures("last_epoch_kept")
def test_two_processes_give_the_weights_of_one(places: Places, teacher_folder: Path, tmp_path: Path) -> None:
    """`torchrun` with gloo: each process takes half of every batch, gradients are averaged."""
    recipe = _recipe("losses=mse+ickd", "epochs=1", "batch_size=8")
    one = distill(teacher_folder, places, recipe, tmp_path / "one")
    (tmp_path / "recipe.yaml").write_text(recipe.to_yaml())
    script = (
        "import sys; from lofivpr.places import Places; from lofivpr.training import distill;"
        "from lofivpr.training.validation import Validation;"
        "Validation.recall = lambda self, model: {'recall@1': 50.0, 'recall@5': 50.0};"
        "distill(sys.argv[1], Places.open(sys.argv[2]), sys.argv[3], sys.argv[4])"
    )
    (tmp_path / "go.py").write_text(script)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", f"--master-port={port}"]
    arguments = [tmp_path / "go.py", teacher_folder, places.root, tmp_path / "recipe.yaml", tmp_path / "two"]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    subprocess.run([*command, *map(str, arguments)], check=True, env=environment, timeout=200)
    two = PlaceModel.load(tmp_path / "two")
    assert not _same(one, PlaceModel.load(teacher_folder))
    for (name, a), b in zip(one.state_dict().items(), two.state_dict().values(), strict=True):
        torch.testing.assert_close(a, b, atol=2e-4, rtol=1e-3, msg=lambda text, name=name: f"{name}: {text}")
