"""Places where nothing can or may be written: one clear message and exit code 2."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

Refused = Callable[..., str]
TABLE = "places.csv"


@pytest.fixture
def full_disk(small_disk: Callable[[str], Path]) -> Path:
    """A file system with room for a manifest, and none for descriptors."""
    return small_disk("16k")


@pytest.mark.parametrize("name", ["describe", "evaluate", "degrade", "distill", "train"])
def test_a_full_disk(name: str, refused: Refused, command: Any, places: Path, full_disk: Path) -> None:
    arguments = command(name, places=places, quality="jpeg:90") if name == "degrade" else command(name)
    at = 2 if name == "degrade" else arguments.index("--out") + 1
    arguments[at] = full_disk / "out"
    assert "No space left on device" in refused(*arguments)


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
