from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from lofivpr.models import ModelError, PlaceModel, load_describer, read_config
from lofivpr.models.folder import CONFIG_FILE, WEIGHTS_FILE, check_weights_fit, read_weights, weights_digest


@pytest.fixture()
def folder(tiny_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_folder, tmp_path / "model"))


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE])
def test_a_missing_file_is_named(folder: Path, name: str, runtime: str) -> None:
    (folder / name).unlink()
    with pytest.raises(ModelError, match=f"expected {name} in the model folder .* found README.md"):
        load_describer(folder, runtime)


def test_a_folder_of_something_else_is_not_listed_whole(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=f"expected {CONFIG_FILE} in the model folder .*, found an empty folder"):
        read_config(tmp_path)
    for number in range(200):
        (tmp_path / f"{number:03}.jpg").touch()
    with pytest.raises(ModelError, match=r"found 000\.jpg, 001\.jpg, .*004\.jpg and 195 more\. ") as refused:
        read_config(tmp_path)
    assert "005" not in str(refused.value)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
@pytest.mark.parametrize("name", [CONFIG_FILE, WEIGHTS_FILE])
def test_a_truncated_file_is_named(folder: Path, name: str, runtime: str) -> None:
    data = (folder / name).read_bytes()
    (folder / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match=name):
        load_describer(folder, runtime)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_one_changed_byte_of_the_weights_is_found(folder: Path, runtime: str) -> None:
    data = bytearray((folder / WEIGHTS_FILE).read_bytes())
    data[-5] ^= 1
    (folder / WEIGHTS_FILE).write_bytes(bytes(data))
    with pytest.raises(ModelError, match="weights do not fit"):
        load_describer(folder, runtime)


def test_no_folder() -> None:
    with pytest.raises(ModelError, match="model folder, found none at nowhere"):
        PlaceModel.load("nowhere")


def test_config_that_is_no_object(folder: Path) -> None:
    (folder / CONFIG_FILE).write_text("[]")
    with pytest.raises(ModelError, match="JSON object"):
        read_config(folder)


def test_unknown_backbone_in_a_config(folder: Path) -> None:
    values = json.loads((folder / CONFIG_FILE).read_text())
    (folder / CONFIG_FILE).write_text(json.dumps(values | {"backbone": "vgg99"}))
    with pytest.raises(ModelError, match="known backbone.*vgg16.*'vgg99'"):
        PlaceModel.load(folder)


def test_weights_round_trip(folder: Path) -> None:
    found, model = read_weights(folder), PlaceModel.load(folder)
    for name, tensor in model.state_dict().items():
        np.testing.assert_array_equal(found[name], tensor.numpy())


def test_digest_of_weights_sees_names_types_shapes_and_values() -> None:
    base = np.arange(6, dtype=np.float32)
    variants = [
        {"a": base},
        {"b": base},
        {"a": base.astype(np.float64)},
        {"a": base.reshape(2, 3)},
        {"a": base + 1},
    ]
    assert len({weights_digest(variant) for variant in variants}) == len(variants)
    assert weights_digest({"a": base, "b": base + 1}) == weights_digest({"b": base + 1, "a": base.copy()})


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"a": (2,)}, r"expected a tensor b of shape \(3,\), found none"),
        ({"a": (2,), "b": (4,)}, r"expected shape \(3,\) for b, found \(4,\)"),
        ({"a": (2,), "b": (3,), "c": (1,)}, r"expected no tensor c, found \(1,\)"),
    ],
)
def test_first_difference_is_named(found: dict, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        check_weights_fit("here", {"a": (2,), "b": (3,)}, found)
    check_weights_fit("here", {"a": (2,)}, {"a": (2,)})
