from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lofivpr.models import ModelError, create_model, read_card


def test_card_of_the_caller_and_of_the_weights(tiny_folder: Path) -> None:
    card = read_card(tiny_folder)
    assert card["teacher"] == {"digest": "0123456789abcdef", "path": "teacher"}
    assert card["weights"] == {"source": "random", "licence": "none"}
    text = (tiny_folder / "README.md").read_text()
    assert text.startswith("# netvlad-tiny") and "0123456789abcdef" in text and "96 x 64" in text


def test_source_and_licence_survive_saving(tmp_path: Path) -> None:
    create_model("efficientnet_lite0", clusters=2).save(tmp_path / "m", {"training": {"steps": 3}}, onnx=False)
    card = read_card(tmp_path / "m")
    assert card["weights"]["licence"] == "Apache-2.0" and card["training"] == {"steps": 3}


def test_no_card_and_a_broken_one(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / "card.json").write_text("{")
    with pytest.raises(ModelError, match="expected JSON in"):
        read_card(folder)
    (folder / "card.json").unlink()
    assert read_card(folder) == {}
