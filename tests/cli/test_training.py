"""`train` and `distill`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import yaml

from lofivpr.models import PlaceModel, create_model, load_describer

Done = Callable[..., str]
SETTINGS = [
    *("batch_size=4", "per_place=2", "steps_per_epoch=2", "learning_rate=0.01", "positives=10m"),
    *("negative_radius_m=30", "validation_fraction=0.25", "validation_gap_m=30"),
]


def _sets(*settings: str) -> list[str]:
    return [word for setting in (*SETTINGS, *settings) for word in ("--set", setting)]


def _card(folder: Path) -> Any:
    return json.loads((folder / "card.json").read_text())


def test_no_epochs_make_the_initialised_backbone(done: Done, places: Path, tmp_path: Path) -> None:
    out = tmp_path / "A"
    printed = done(
        "train", "--places", places, "--split", "train", "--backbone", "tiny", "--aggregator", "netvlad",
        "--epochs", 0, "--out", out,
    )  # fmt: skip
    assert f"wrote {out}" in printed
    assert {path.name for path in out.iterdir()} == {
        "config.json", "model.safetensors", "model.onnx", "card.json", "README.md", "recipe.yaml"
    }  # fmt: skip
    model = PlaceModel.load(out)
    assert model.name == "netvlad-tiny" and model.preprocessing.size == (320, 240)
    training = _card(out)["training"]
    assert (training["pictures"], training["steps"], training["validation"]) == (48, 0, [])
    drawn = create_model("tiny").state_dict()
    centres = {name: not torch.equal(tensor, drawn[name]) for name, tensor in model.state_dict().items()}
    assert any(moved for name, moved in centres.items() if name.startswith("aggregator.")), "k-means moved them"
    assert not any(moved for name, moved in centres.items() if name.startswith("backbone."))


def test_a_teacher_is_trained_by_the_recipe_with_its_settings(done: Done, places: Path, tmp_path: Path) -> None:
    out = tmp_path / "B"
    done("train", "--places", places / "places.csv", "--backbone", "tiny", "--out", out, "--epochs", 1,
         *_sets("epochs=3", "seed=5"))  # fmt: skip
    recipe = yaml.safe_load((out / "recipe.yaml").read_text())
    assert (recipe["name"], recipe["epochs"], recipe["seed"], recipe["batch_size"]) == ("teacher", 1, 5, 4)
    lines = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert _card(out)["training"]["steps"] == 2 == sum("loss" in line for line in lines)
    assert not (tmp_path / "B.run").exists()


def test_a_student_names_its_teacher(done: Done, places: Path, teacher: Path, tmp_path: Path) -> None:
    out = tmp_path / "student"
    printed = done(
        "distill", "--teacher", teacher, "--places", places, "--split", "train", "--recipe", "all-qualities",
        "--out", out, "--epochs", 1, *_sets("qualities=[raw, 48p/jpeg:5]"),
    )  # fmt: skip
    assert f"wrote {out}" in printed
    card = _card(out)
    assert card["teacher"]["digest"] == load_describer(teacher).digest
    assert load_describer(out).descriptor_size == load_describer(teacher).descriptor_size
    path = Path(card["teacher"]["path"])
    assert not path.is_absolute() and (out / path).resolve() == teacher.resolve()
    assert card["recipe"]["qualities"] == ["raw", "48p/jpeg:5"] and card["training"]["steps"] == 2


def test_a_student_may_start_from_another_model(
    done: Done, places: Path, teacher: Path, other: Path, tmp_path: Path
) -> None:
    out = tmp_path / "student"
    done("distill", "--teacher", teacher, "--student", other, "--places", places, "--out", out, "--epochs", 0)
    assert load_describer(out).digest == load_describer(other).digest != load_describer(teacher).digest
    assert _card(out)["teacher"]["digest"] == load_describer(teacher).digest
