from __future__ import annotations

import shutil
from pathlib import Path

import onnx
import pytest

from lofivpr.models import Describer, GpuModel, ModelError, OnnxModel, PlaceModel, load_describer
from lofivpr.models.folder import ONNX_FILE


@pytest.mark.parametrize(
    ("runtime", "kind"), [("auto", OnnxModel), ("onnx", OnnxModel), ("torch", PlaceModel), ("gpu", GpuModel)]
)
def test_runtime_decides(tiny_folder: Path, runtime: str, kind: type) -> None:
    found = load_describer(tiny_folder, runtime)
    assert isinstance(found, kind) and isinstance(found, Describer)


def test_auto_takes_torch_where_there_is_no_export(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / ONNX_FILE).unlink()
    assert isinstance(load_describer(folder), PlaceModel)


def beyond(folder: Path, opset: int, operator: str = "") -> None:
    """Make model.onnx a whole file that ONNX Runtime does not know: of a later opset, or with an own operator."""
    proto = onnx.load(str(folder / ONNX_FILE))
    if operator:
        proto.graph.node[0].op_type = operator
    else:
        proto.opset_import[0].version = opset
    (folder / ONNX_FILE).write_bytes(proto.SerializeToString())


@pytest.mark.parametrize(("opset", "operator"), [(99, ""), (18, "Dream")])
def test_what_onnx_runtime_cannot_take_is_left_to_torch_with_a_reason(
    tiny_folder: Path, tmp_path: Path, opset: int, operator: str
) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    beyond(folder, opset, operator)
    with pytest.warns(UserWarning, match=f"{operator or 'opset'}.*torch describes, more slowly"):
        assert isinstance(load_describer(folder), PlaceModel)
    with pytest.raises(ModelError, match="can take, found"):
        load_describer(folder, "onnx")


def test_without_torch_the_reason_is_the_error(
    tiny_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    beyond(folder, 99)
    monkeypatch.setattr("lofivpr.models.describer._has_torch", lambda: False)
    with pytest.raises(ModelError, match="can take, found.*Upgrade onnxruntime"):
        load_describer(folder)


def test_a_damaged_file_is_no_reason_for_torch(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / ONNX_FILE).write_bytes((folder / ONNX_FILE).read_bytes()[:500])
    with pytest.raises(ModelError, match="Copy the folder again"):
        load_describer(folder)


def test_unknown_runtime(tiny_folder: Path) -> None:
    with pytest.raises(ModelError, match="auto, onnx, torch, gpu"):
        load_describer(tiny_folder, "tpu")
