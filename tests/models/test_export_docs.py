"""The examples of docs/export.md, run as they are printed, where importing torch fails."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from lofivpr.descriptors import DescriptorStore
from lofivpr.models import OnnxModel, PlaceModel, export_edge, load_describer
from lofivpr.quality import Quality

PAGE = Path(__file__).parents[2] / "docs" / "export.md"
EXAMPLE = re.compile(r"<!-- example: (\w+) -->\n```python\n(.*?)```", re.DOTALL)
BLOCKED = ("torch", "timm", "onnx", "onnxscript", "lightning_fabric")
WITHOUT = f"""
import sys
for name in {BLOCKED}:
    sys.modules[name] = None  # importing it raises ModuleNotFoundError
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """48 pictures of patches, 160 x 120."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for number in range(48):
        patches = rng.integers(0, 256, (9, 12, 3), np.uint8)
        cv2.imwrite(str(folder / f"{number}.png"), cv2.resize(patches, (160, 120), interpolation=cv2.INTER_CUBIC))
    return folder


def run(example: str, *arguments: object) -> str:
    """What an example prints."""
    code = dict(EXAMPLE.findall(PAGE.read_text()))[example]
    assert len(code.splitlines()) <= 32
    blocked = "".join(f"assert not sys.modules.get({name!r})\n" for name in BLOCKED)
    command = [sys.executable, "-c", WITHOUT + code + blocked, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_torch_is_really_out_of_reach() -> None:
    done = subprocess.run([sys.executable, "-c", WITHOUT + "import torch"], capture_output=True, text=True)
    assert "ModuleNotFoundError" in done.stderr


@pytest.mark.parametrize("aware", [False, True])
def test_onnx(tiny_folder: Path, root: Path, tmp_path: Path, aware: bool) -> None:
    model = PlaceModel.load(tiny_folder)
    model = model.with_quality_affines() if aware else model
    export_edge(model, tmp_path / "edge")
    told = run("onnx", tmp_path / "edge" / "model.onnx", root / "3.png", tmp_path / "found.npy")
    assert model.digest in told
    wanted = model.describe([cv2.cvtColor(cv2.imread(str(root / "3.png")), cv2.COLOR_BGR2RGB)])[0]
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), wanted, atol=1e-4)


def test_int8(tiny_folder: Path, root: Path, tmp_path: Path) -> None:
    images = [f"{number}.png" for number in range(48)]
    pictures = [cv2.cvtColor(cv2.imread(str(root / image)), cv2.COLOR_BGR2RGB) for image in images]
    export_edge(PlaceModel.load(tiny_folder), tmp_path / "edge", "int8", pictures)
    DescriptorStore.build(tmp_path / "store", OnnxModel.load(tiny_folder), images, root, progress=False)
    lines = run("int8", tmp_path / "edge", tmp_path / "store", "jpeg:60", root / "7.png").splitlines()
    size = Quality.parse("jpeg:60").encode(pictures[7]).n_bytes
    assert lines[0] == f"{size} bytes by jpeg:60" and lines[1].startswith("7.png ") and len(lines) == 4
    assert load_describer(tmp_path / "edge").digest != load_describer(tiny_folder).digest
