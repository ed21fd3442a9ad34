"""A user's mistakes and the faults of the world: each ends in one clear message and exit code 2."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from lofivpr.models import create_model

Refused = Callable[..., str]
BAD = "test-03-query.png"
TABLE = "places.csv"


@pytest.fixture
def command(places: Path, teacher: Path, tmp_path: Path) -> Callable[..., list[object]]:
    """The arguments of a command that works, with options changed or added; None leaves one out."""
    shapes: dict[str, dict[str, object]] = {
        "describe": {"model": teacher, "places": places, "out": tmp_path / "out", "split": "test"},
        "evaluate": {"model": teacher, "places": places, "out": tmp_path / "out", "split": "test"},
        "train": {"places": places, "out": tmp_path / "out", "backbone": "tiny", "epochs": 0},
        "distill": {"teacher": teacher, "places": places, "out": tmp_path / "out", "epochs": 0},
    }

    def arguments(name: str, **options: object) -> list[object]:
        if name == "degrade":
            return [name, options["places"], tmp_path / "out", "--quality", options.get("quality", "raw")]
        chosen = {key: value for key, value in (shapes[name] | options).items() if value is not None}
        return [name, *(word for key, value in chosen.items() for word in (f"--{key.replace('_', '-')}", value))]

    return arguments


@pytest.mark.parametrize("name", ["degrade", "describe", "evaluate", "train"])
@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda data: b"no picture", "expected a picture"),
        (lambda data: b"", "an empty file"),
        (lambda data: data[: len(data) // 2], "truncated"),
        (lambda data: b"\0\0\0\x20ftypheic" + 20 * b"\0", "HEIC"),
        (None, "No such file"),
    ],
    ids=["text", "empty", "truncated", "heic", "missing"],
)
def test_a_picture_that_cannot_be_used(
    name: str, damage: Any, said: str, refused: Refused, command: Any, own_places: Path, tmp_path: Path
) -> None:
    if name == "degrade" and damage is None:
        pytest.skip("a folder has no missing pictures")
    for path in own_places.glob("*-03-*.png"):  # of both splits
        data = path.read_bytes()
        path.write_bytes(damage(data)) if damage else path.unlink()
    message = refused(*command(name, places=own_places))
    assert said in message and "-03-" in message
    if name in ("degrade", "train"):  # the other two keep what is described, to go on from there
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["degrade", "describe", "evaluate"])
@pytest.mark.parametrize(
    ("quality", "said"),
    [
        ("jpg:10", "'jpg' is no codec"),
        ("jpeg:qp10", "qp"),
        ("jpeg:101", "1..100"),
        ("h264:52", "qp"),
        ("240p/", "240p/"),
        ("", "''"),
        ("p240", "p240"),
        ("97p", "97"),
        ("129x96/jpeg:5", "129"),
    ],
)
def test_a_quality_that_is_none_or_above_the_source(
    name: str, quality: str, said: str, refused: Refused, command: Any, places: Path
) -> None:
    assert said in refused(*command(name, places=places, quality=quality))


def test_a_quality_of_a_recipe(refused: Refused, command: Any) -> None:
    assert "'jpg' is no codec" in refused(*command("distill", set="qualities=[raw, jpg:10]"))
    assert "1080" in refused(*command("distill", epochs=1, set="qualities=[1080p]"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,split\n{image},test\n", "expected positions"),
        ("image,x,y,split\n{image},,,test\n", "expected positions"),
        ("image,x,split\n{image},1,test\n", "`x` and `y` together"),
        ("image,x,y,split\n{image},east,3,test\n", "line 2"),
        ("image,x,y,split\n{image},1\n", "line 2"),
        ("picture,x,y\n{image},1,2\n", "expected a column `image`"),
        ("image,lat,lon,split\n{image},91,0,test\n", "91"),
        ("image,x,y,split\n", "expected rows"),
        ("", "expected a column `image`"),
    ],
)
@pytest.mark.parametrize("name", ["evaluate", "train"])
def test_a_table_without_positions(
    name: str, text: str, said: str, refused: Refused, command: Any, own_places: Path
) -> None:
    (own_places / TABLE).write_text(text.format(image=BAD))
    assert said in refused(*command(name, places=own_places))


def test_pictures_without_labels_have_no_recall(refused: Refused, command: Any, own_places: Path) -> None:
    (own_places / TABLE).unlink()
    assert "role `query`" in refused(*command("evaluate", places=own_places, split=None))
    message = refused(*command("evaluate", places=own_places, split=None, protocol="leave-panorama-out"))
    assert "expected a position" in message
    assert "expected a split 'test', found no splits" in refused(*command("evaluate", places=own_places))


@pytest.mark.parametrize("role", ["database", "query"])
def test_a_split_without_database_or_queries(role: str, refused: Refused, command: Any, own_places: Path) -> None:
    table = own_places / TABLE
    other = {"database": "query", "query": "database"}[role]
    table.write_text(table.read_text().replace(f"test,{role}\n", f"test,{other}\n"))
    message = refused(*command("evaluate", places=own_places))
    assert f"expected pictures of role `{role}`" in message and f"16 {other}" in message


def test_queries_without_any_positives(refused: Refused, command: Any) -> None:
    assert "expected queries with positives by 1m, found none" in refused(*command("evaluate", radius=1))


def test_paths_that_are_not_there(refused: Refused, command: Any, tmp_path: Path) -> None:
    gone = tmp_path / "gone [x]"
    for name in ("describe", "evaluate", "train"):
        assert str(gone) in refused(*command(name, places=gone))
    for name, option in {"describe": "model", "evaluate": "model", "distill": "teacher"}.items():
        assert str(gone) in refused(*command(name, **{option: gone}))
    assert str(gone) in refused(*command("evaluate", database_model=gone))
    assert str(gone) in refused("models", "show", gone)
    assert str(gone) in refused("degrade", gone, tmp_path / "out", "--quality", "raw")
    assert str(gone) in refused(*command("train", recipe=f"{gone}.yaml"))


@pytest.mark.parametrize("name", ["describe", "evaluate", "distill"])
@pytest.mark.parametrize("file", ["config.json", "model.safetensors"])
def test_a_model_folder_that_lacks_a_file(
    name: str, file: str, refused: Refused, command: Any, teacher: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(teacher, tmp_path / "[a] model")
    (folder / file).unlink()
    option = "teacher" if name == "distill" else "model"
    message = refused(*command(name, **{option: folder}))
    assert f"expected {file} in the model folder {folder}" in message


@pytest.mark.parametrize("name", ["describe", "evaluate", "distill"])
@pytest.mark.parametrize("with_onnx", [True, False])
def test_weights_that_do_not_fit(
    name: str, with_onnx: bool, refused: Refused, command: Any, teacher: Path, other: Path, tmp_path: Path
) -> None:
    folder = shutil.copytree(teacher, tmp_path / "model")
    if not with_onnx:
        (folder / "model.onnx").unlink()
    option = {"teacher" if name == "distill" else "model": folder}
    weights = folder / "model.safetensors"
    shutil.copy(other / weights.name, weights)
    assert str(folder) in (message := refused(*command(name, **option))) and "do not fit" in message
    create_model("tiny", "gem", size=(64, 48)).save(tmp_path / "gem", onnx=False)
    shutil.copy(tmp_path / "gem" / weights.name, weights)
    assert str(folder) in refused(*command(name, **option))
    weights.write_bytes(weights.read_bytes()[:100])
    assert f"expected weights in {weights}" in refused(*command(name, **option))


@pytest.mark.parametrize("file", ["config.json", "card.json", "model.onnx"])
def test_a_damaged_file_of_a_model(file: str, refused: Refused, command: Any, teacher: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(teacher, tmp_path / "model")
    for damage in (b"{", b"[]", b"\xff\xfe"):
        (folder / file).write_bytes(damage)
        if file != "card.json":
            assert str(folder / file) in refused(*command("describe", model=folder))
        assert str(folder / file) in refused(*command("evaluate", model=folder))
    if file != "model.onnx":
        assert str(folder / file) in refused("models", "show", folder)


def test_descriptors_of_two_sizes(refused: Refused, command: Any, tmp_path: Path) -> None:
    create_model("tiny", "gem", size=(64, 48)).save(tmp_path / "gem")
    assert "descriptors of one size" in refused(*command("evaluate", database_model=tmp_path / "gem"))


@pytest.fixture
def full_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system with room for a manifest, and none for descriptors."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(mount, capture_output=True).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("mounting needs root")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize("name", ["describe", "evaluate", "degrade", "distill", "train"])
def test_a_full_disk(name: str, refused: Refused, command: Any, places: Path, full_disk: Path) -> None:
    arguments = command(name, places=places, quality="jpeg:90") if name == "degrade" else command(name)
    at = 2 if name == "degrade" else arguments.index("--out") + 1
    arguments[at] = full_disk / "out"
    assert "No space left on device" in refused(*arguments)


@pytest.mark.parametrize("name", ["train", "distill"])
@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("epoch=3", "epoch"),
        ("epochs", "expected key=value"),
        ("epochs=many", "many"),
        ("epochs=-1", "epochs"),
        ("losses=mse+foo", "foo"),
        ("losses={mse: 1", "losses"),
        ("qualities=[raw", "qualities"),
        ("qualities=[]", "qualities"),
        ("positives=25 miles", "25 miles"),
        ("learning_rate=nan", "learning_rate"),
        ("=3", "A recipe has the keys name, losses"),
    ],
)
def test_a_setting_that_no_recipe_has(name: str, setting: str, said: str, refused: Refused, command: Any) -> None:
    assert said in refused(*command(name, set=setting, epochs=None))


@pytest.mark.parametrize("text", ["losses: {mse: 1", "- a\n- b", "", "name: x\n", "\xff"])
def test_a_recipe_file_that_is_none(text: str, refused: Refused, command: Any, tmp_path: Path) -> None:
    path = tmp_path / "my.yaml"
    path.write_bytes(text.encode("latin-1"))
    assert str(path) in refused(*command("distill", recipe=path))


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("train", {"recipe": "teachers"}, "no-teacher"),
        ("train", {"backbone": "resnet9000"}, "efficientnet_lite0"),
        ("train", {"aggregator": "max"}, "netvlad"),
        ("train", {"split": "validation"}, "train"),
        ("distill", {"split": "validation"}, "train"),
        ("evaluate", {"protocol": "open"}, "leave-panorama-out"),
        ("evaluate", {"positives": "25 miles"}, "25 miles"),
        ("evaluate", {"positives": "25m", "radius": 25}, "found both"),
        ("evaluate", {"radius": "-1"}, "-1"),
        ("evaluate", {"radius": "nan"}, "nan"),
        ("evaluate", {"database_quality": "jpg"}, "jpg"),
        ("evaluate", {"split": "tset"}, "tset"),
    ],
)
def test_a_name_that_is_unknown(name: str, options: Any, said: str, refused: Refused, command: Any) -> None:
    assert said in refused(*command(name, **options))


def test_training_pictures_without_positives(refused: Refused, command: Any, tmp_path: Path) -> None:
    message = refused(*command("train", epochs=1, set="validation_gap_m=30"), "--set", "positives=1m")
    assert "expected training pictures with positives" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", ["train", "distill", "describe", "degrade"])
def test_an_out_folder_that_holds_something_else(
    name: str, refused: Refused, command: Any, places: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "diary.txt").write_text("mine")
    assert str(out) in refused(*command(name, places=places))
    assert [path.name for path in out.iterdir()] == ["diary.txt"]


def test_a_town_does_not_replace_a_folder_of_photographs(refused: Refused, tmp_path: Path) -> None:
    for folder in (tmp_path / "a" / "images", tmp_path / "b"):
        folder.mkdir(parents=True)
        cv2.imwrite(str(folder / "holiday.jpg"), np.zeros((16, 16, 3), np.uint8))
    (tmp_path / "b" / TABLE).write_text("image,place\nholiday.jpg,home\n")
    for name in ("a", "b"):
        assert str(tmp_path / name) in refused("town", "--out", tmp_path / name, "--pictures", 32)
    assert (tmp_path / "a" / "images" / "holiday.jpg").is_file()
    assert "holiday" in (tmp_path / "b" / TABLE).read_text()


@pytest.mark.parametrize("name", ["train", "distill", "describe", "degrade", "evaluate"])
def test_an_out_folder_that_cannot_be_made(
    name: str, refused: Refused, command: Any, places: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    arguments = command(name, places=places)
    arguments[2 if name == "degrade" else arguments.index("--out") + 1] = tmp_path / "file" / "out"
    assert str(tmp_path / "file") in refused(*arguments)


def test_a_store_of_something_else(done: Any, refused: Refused, command: Any) -> None:
    done(*command("describe"))
    message = refused(*command("describe", quality="jpeg:10"))
    assert "the quality is raw" in message and "To rebuild, delete the folder" in message
