"""`train` and `distill`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
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


def test_size_clusters_and_weights_are_chosen(
    done: Done, refused: Done, places: Path, teacher: Path, tmp_path: Path
) -> None:
    """A model of another input size and aggregator trains, teaches and is evaluated."""
    out = tmp_path / "small"
    command = ("train", "--places", places, "--backbone", "tiny", "--aggregator", "netvlad:clusters=6", "--out", out)
    done(*command, "--size", "96x64", "--weights", teacher, "--epochs", 1, *_sets("trainable_stages=0"))
    model, given = PlaceModel.load(out), PlaceModel.load(teacher)
    assert model.preprocessing.size == (96, 64) and model.config.aggregator_options == {"clusters": 6}
    ours, theirs = model.backbone.state_dict(), given.backbone.state_dict()
    assert all(torch.equal(ours[name], tensor) for name, tensor in theirs.items())
    assert load_describer(out, "onnx").digest == model.digest
    student = tmp_path / "student"
    done("distill", "--teacher", out, "--places", places, "--out", student, "--epochs", 1, *_sets("qualities=[raw]"))
    assert PlaceModel.load(student).preprocessing.size == (96, 64)
    done("evaluate", "--model", student, "--places", places, "--split", "test", "--out", tmp_path / "results")
    rows = json.loads((tmp_path / "results" / "results.json").read_text())["rows"]
    assert _card(student)["teacher"]["digest"] == model.digest and rows[0]["queries"] == 8


def test_a_backbone_whose_weights_must_be_downloaded_may_start_at_random(
    done: Done, places: Path, tmp_path: Path
) -> None:
    out = tmp_path / "random"
    done("train", "--places", places, "--backbone", "mobilenetv4_small", "--aggregator", "gem", "--size", "64x32",
         "--weights", "random", "--epochs", 0, "--out", out)  # fmt: skip
    model = PlaceModel.load(out)
    assert model.name == "gem-mobilenetv4_small" and not model.config.weights_source


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "320"], "expected a size such as 320x240"),
        (["--size", "100x60"], "The nearest is 96 x 64"),
        (["--aggregator", "netvlad:centres=6"], "centres"),
        (["--aggregator", "netvlad:6"], "option=value"),
        (["--backbone", "vgg16"], "--weights download"),
        (["--weights", "gone.pth"], "nothing at gone.pth"),
    ],
)
def test_choices_that_do_not_fit(options: list[str], said: str, refused: Done, places: Path, tmp_path: Path) -> None:
    backbone = () if "--backbone" in options else ("--backbone", "tiny")
    message = refused("train", "--places", places, *backbone, "--out", tmp_path / "m", "--epochs", 0, *options)
    assert said in message and not (tmp_path / "m").exists()


@pytest.mark.parametrize("command", ["train", "distill"])
def test_bad_pictures_are_skipped_and_listed(
    command: str, done: Done, own_places: Path, teacher: Path, tmp_path: Path
) -> None:
    bad = [own_places / "train-02-query.png", own_places / "train-05-database.png"]
    bad[0].write_bytes(b"no picture")
    bad[1].unlink()
    start = ("--teacher", teacher) if command == "distill" else ("--backbone", "tiny")
    ladder = "qualities=[raw, 48p/jpeg:5]" if command == "distill" else "qualities=[raw]"
    out = done(
        command, *start, "--places", own_places, "--out", tmp_path / "m", "--epochs", 1, "--skip-bad", *_sets(ladder)
    )
    assert [line.partition(":")[0] for line in out.splitlines() if line.startswith("skipped")] == [
        f"skipped {path.name}" for path in bad
    ]
    training = _card(tmp_path / "m")["training"]
    assert training["pictures"] == 46 and [entry["image"] for entry in training["skipped"]] == [p.name for p in bad]
