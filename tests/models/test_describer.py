from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lofivpr.models import Describer, ModelError, OnnxModel, PlaceModel, load_describer
from lofivpr.models.folder import ONNX_FILE


@pytest.mark.parametrize(("runtime", "kind"), [("auto", OnnxModel), ("onnx", OnnxModel), ("torch", PlaceModel)])
def test_runtime_decides(tiny_folder: Path, runtime: str, kind: type) -> None:
    found = load_describer(tiny_folder, runtime)
    assert isinstance(found, kind) and isinstance(found, Describer)


def test_auto_takes_torch_where_there_is_no_export(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / ONNX_FILE).unlink()
    assert isinstance(load_describer(folder), PlaceModel)


def test_unknown_runtime(tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match="auto, onnx, torch"):
        load_describer(tiny_folder, "tpu")
