"""Model folders that lack something or do not fit: one clear message and exit code 2."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lofivpr.models import create_model

Refused = Callable[..., str]


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
