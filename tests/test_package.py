"""The package as a user meets it: its names, its version, and the base without torch."""

from __future__ import annotations

import ast
import importlib
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

import lofivpr
from lofivpr.models import create_model

ROOT = Path(__file__).parents[1]
NAMES = """
Client DescriptorStore Describer ImageRef LofiError Map OnnxModel PlaceModel Places Positives Protocol Quality
QualityRange Recipe Results Study degrade_folder distill evaluate generate_town load_describer nearest open_image
run_study train
""".split()

# What is not installed is not found by any finder: no name is in sys.modules, `find_spec` gives None.
WITHOUT = """
import sys

BLOCKED = {"torch", "torchvision", "timm", "lightning_fabric", "lightning", "onnx", "onnxscript"}

class Without:
    def __init__(self, finder):
        self.finder = finder

    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in BLOCKED else self.finder.find_spec(name, path, target)

    def __getattr__(self, name):
        return getattr(self.finder, name)

sys.meta_path[:] = [Without(finder) for finder in sys.meta_path]
"""


def without_torch(script: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a script in an interpreter in which the packages of `lofivpr[train]` are not installed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", WITHOUT + script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200)


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six spots 100 m apart, a query beside each picture of the database."""
    root = tmp_path_factory.mktemp("places")
    lines = ["image,x,y,role"]
    for spot in range(6):
        picture = np.random.default_rng(spot).integers(0, 256, (6, 8, 3), np.uint8)
        for y, role in enumerate(("database", "query")):
            name = f"{spot}-{role}.png"
            cv2.imwrite(str(root / name), cv2.resize(picture, (128, 96 + 8 * y), interpolation=cv2.INTER_CUBIC))
            lines.append(f"{name},{100 * spot},{y},{role}")
    (root / "places.csv").write_text("\n".join(lines))
    return root


BASE = """
import lofivpr as lv

model, places = sys.argv[1:]
assert str(lv.Quality.parse("60p/jpeg:10")) == "60p/jpeg:10"
describer = lv.load_describer(model)
assert isinstance(describer, lv.OnnxModel) and isinstance(describer, lv.Describer)
pictures = lv.Places.open(places)
results = lv.evaluate([describer], pictures, qualities=["raw", "60p/jpeg:30"], progress=False)
print([row.recall[1] for row in results.rows])
assert not BLOCKED & set(sys.modules), BLOCKED & set(sys.modules)
for name, install in {"train": 1, "distill": 1, "PlaceModel": 1}.items():
    try:
        getattr(lv, name)
    except lv.LofiError as error:
        assert "pip install 'lofivpr[train]'" in str(error), error
        assert "torch" in str(error), error
    else:
        raise AssertionError(name)
"""


def test_the_base_evaluates_without_torch(places: Path, tmp_path: Path) -> None:
    create_model("tiny", size=(64, 48), clusters=4).save(tmp_path / "model")
    done = without_torch(BASE, tmp_path / "model", places)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[100.0, 100.0]"


def test_the_command_line_says_what_to_install(places: Path, tmp_path: Path) -> None:
    script = "from lofivpr.cli import main; sys.argv[0] = 'lofivpr'; main()"
    known = without_torch(script, "models", "list")
    assert known.returncode == 0 and "efficientnet_lite0" in known.stdout, known.stderr
    done = without_torch(script, "train", "--places", places, "--out", tmp_path / "model")
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "pip install 'lofivpr[train]'" in done.stderr and not (tmp_path / "model").exists()


def test_importing_is_quick_and_loads_no_room() -> None:
    script = "import lofivpr; print(sorted(name for name in sys.modules if name.startswith('lofivpr')))"
    done = without_torch(script)
    assert done.stdout.strip() == "['lofivpr']", done.stderr


def test_the_public_names_are_these() -> None:
    assert sorted(lofivpr.__all__) == sorted(NAMES) == sorted(lofivpr._HOMES)
    assert list(lofivpr.__all__) == sorted(lofivpr.__all__)
    assert set(NAMES) <= set(dir(lofivpr))
    for name in NAMES:
        assert getattr(lofivpr, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'Qualities'"):
        lofivpr.Qualities  # noqa: B018


def test_type_checkers_see_the_same_names() -> None:
    tree = ast.parse(Path(lofivpr.__file__).read_text())
    block = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {alias.name for node in block.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert seen == set(NAMES)


@pytest.mark.parametrize("room", sorted(set(lofivpr._HOMES.values()) | {"cli"}))
def test_every_room_keeps_its_promises(room: str) -> None:
    module = importlib.import_module(f"lofivpr.{room}")
    assert module.__doc__
    if room == "errors":
        return
    assert len(set(module.__all__)) == len(module.__all__) > 0
    assert [name for name in module.__all__ if not hasattr(module, name)] == []
    assert {name for name, home in lofivpr._HOMES.items() if home == room} <= set(module.__all__)


def test_the_version_is_the_projects() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert lofivpr.__version__ == project["version"]
    assert project["scripts"] == {"lofivpr": "lofivpr.cli:main"}


def test_the_base_does_not_ask_for_torch() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert not [need for need in project["dependencies"] if need.startswith(("torch", "timm", "lightning", "onnx>"))]
