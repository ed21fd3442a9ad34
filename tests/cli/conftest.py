"""The command line as a user runs it, on noise pictures with positions and a tiny model."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from lofivpr.cli import main
from lofivpr.cli.pictures import town as make_town
from lofivpr.models import create_model

SPOTS = {"train": 24, "test": 8}  # 20 m apart, a picture of the database and a query 2 m beside it
SPLIT_GAP_M = 2000


@dataclass(frozen=True)
class Ran:
    """What a command ended in."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `lofivpr ARGUMENTS...` by its entry point; an error that would be a traceback is raised."""

    def go(*arguments: object) -> Ran:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["lofivpr", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        told = capsys.readouterr()
        return Ran(int(end.value.code or 0), told.out, told.err)

    return go


@pytest.fixture
def done(run: Run) -> Callable[..., str]:
    """Run a command that must succeed; returns what it printed."""

    def go(*arguments: object) -> str:
        ran = run(*arguments)
        assert ran.code == 0, ran.err
        return ran.out

    return go


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """Run a command that must end in exit code 2 and one message; returns the message."""

    def go(*arguments: object) -> str:
        ran = run(*arguments)
        assert ran.code == 2, ran.err
        assert "Traceback" not in ran.err and ran.err.count("error:") == 1
        message = ran.err[ran.err.index("error:") :]
        assert message.endswith("\n") and message.count("\n") == 1, "one line"
        return message

    return go


def write_places(root: Path) -> Path:
    """Pictures of 128 x 96 and their places.csv; returns `root`."""
    root.mkdir(parents=True, exist_ok=True)
    lines = ["image,x,y,panorama,heading_deg,split,role"]
    for number, (split, spots) in enumerate(SPOTS.items()):
        for spot in range(spots):
            base = np.random.default_rng([number, spot]).integers(0, 256, (6, 8, 3), np.uint8)
            for side, role in enumerate(("database", "query")):
                noise = np.random.default_rng([number, spot, side]).normal(0, 12, (96, 128, 3))
                picture = cv2.resize(base, (128, 96), interpolation=cv2.INTER_CUBIC) + noise
                name = f"{split}-{spot:02d}-{role}.png"
                cv2.imwrite(str(root / name), picture.clip(0, 255).astype(np.uint8))
                x = SPLIT_GAP_M * number + 20 * spot
                lines.append(f"{name},{x},{2 * side},{split}{spot}-{side},0,{split},{role}")
    (root / "places.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pictures, not to be changed."""
    return write_places(tmp_path_factory.mktemp("data") / "places")


@pytest.fixture
def own_places(tmp_path: Path) -> Path:
    """The pictures, for a test to damage."""
    return write_places(tmp_path / "places")


@pytest.fixture(scope="session")
def teacher(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder, not to be changed."""
    folder = tmp_path_factory.mktemp("models") / "teacher"
    create_model("tiny", size=(64, 48), clusters=4).save(folder)
    return folder


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another model of the same architecture, in a folder of the same name."""
    folder = tmp_path_factory.mktemp("others") / "teacher"
    create_model("tiny", size=(64, 48), clusters=4, seed=1).save(folder)
    return folder


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest town there is, by the command itself."""
    out = tmp_path_factory.mktemp("towns") / "town"
    make_town(out, pictures=32)
    return out


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
