from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lofivpr.models import ModelError, OnnxModel, PlaceModel, edge, export_edge, load_describer, read_card
from lofivpr.models.verify_onnx import greatest_error
from lofivpr.quality import Quality

JPEG = Quality.parse("jpeg:30")


def smooth(count: int, seed: int = 5) -> list[np.ndarray]:
    """Pictures of the tiny model's size whose neighbouring pixels agree, as a camera's do."""
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (8, 12, 3), np.uint8).repeat(8, axis=0).repeat(8, axis=1) for _ in range(count)]


def cosines(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a * b).sum(axis=1)


@pytest.fixture(scope="module")
def int8_folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("edge") / "int8"
    export_edge(PlaceModel.load(tiny_folder), folder, "int8", smooth(48))
    return folder


def test_float32_describes_as_the_model_and_keeps_its_digest(tiny: PlaceModel, tmp_path: Path) -> None:
    config = export_edge(tiny, tmp_path / "edge", "onnx", smooth(3))
    assert {path.name for path in (tmp_path / "edge").iterdir()} == {
        "config.json",
        "model.onnx",
        "card.json",
        "README.md",
    }
    found = load_describer(tmp_path / "edge")
    assert isinstance(found, OnnxModel) and found.digest == tiny.digest == config.digest
    np.testing.assert_allclose(found.describe(smooth(4, 6)), tiny.describe(smooth(4, 6)), atol=1e-5)
    noted = found.metadata
    assert tuple(json.loads(noted["preprocessing"])["size"]) == tiny.preprocessing.size == (96, 64)
    assert float(noted["error"]) <= 1e-4 and noted["compared"] == "torch on 3 random and 3 real pictures"
    assert noted["digest"] == tiny.digest and read_card(tmp_path / "edge")["export"]["error"] == noted["error"]


def test_real_pictures_are_compared(tiny: PlaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is right on noise and wrong on one real picture is not written."""
    tiny.save(tmp_path / "m")
    path = tmp_path / "m" / "model.onnx"
    right = [{"images": tiny.preprocessing.to_array([picture])} for picture in smooth(2)]
    assert greatest_error(tiny, path, right) < 1e-4
    from lofivpr.models import verify_onnx

    by_torch = verify_onnx._by_torch

    def wrong_on_pictures(model: PlaceModel, given: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        descriptor, features = by_torch(model, given)
        return descriptor + (0.01 if len(given["images"]) == 1 else 0), features

    monkeypatch.setattr(verify_onnx, "_by_torch", wrong_on_pictures)
    tiny.save(tmp_path / "noise only")
    with pytest.raises(ModelError, match="differ from torch by at most 0.0001, found 0.01"):
        export_edge(tiny, tmp_path / "edge", "onnx", smooth(1))
    assert not (tmp_path / "edge").exists()


def test_a_quality_aware_model_is_compared_at_its_qualities(tiny: PlaceModel, tmp_path: Path) -> None:
    aware = tiny.with_quality_affines()
    for affine in aware.affines:
        affine.affine.weight.data.uniform_(-0.3, 0.3)
    pictures = smooth(48)
    qualities = [JPEG, Quality.RAW] * 24
    export_edge(aware, tmp_path / "onnx", "onnx", pictures, qualities)
    found = load_describer(tmp_path / "onnx").describe(pictures[:4], qualities[:4])
    np.testing.assert_allclose(found, aware.describe(pictures[:4], qualities[:4]), atol=1e-4)
    export_edge(aware, tmp_path / "int8", "int8", pictures, qualities)
    small = load_describer(tmp_path / "int8").describe(pictures[:4], qualities[:4])
    assert cosines(found, small).mean() > 0.9
    told_nothing = load_describer(tmp_path / "int8").describe(pictures[:1], None)
    assert not np.allclose(told_nothing, small[:1], atol=1e-3), "int8 does not look at the quality"


def test_int8_is_near_float32_and_another_model(tiny_folder: Path, int8_folder: Path) -> None:
    float32, int8 = OnnxModel.load(tiny_folder), load_describer(int8_folder)
    assert isinstance(int8, OnnxModel) and int8.digest != float32.digest
    a, b = float32.describe(smooth(6, 7)), int8.describe(smooth(6, 7))
    assert cosines(a, b).mean() > 0.9 and np.abs(a - b).max() > 1e-4
    np.testing.assert_allclose(np.linalg.norm(b, axis=1), 1, atol=1e-5)
    stated = json.loads(int8.metadata["int8"])
    assert stated["float32 digest"] == float32.digest and stated["calibrated on"].startswith("32 pictures, digest ")
    card = read_card(int8_folder)
    assert card["export"]["cosine with float32, mean"] == stated["cosine with float32, mean"] > 0.9
    assert float(card["export"]["float32 error"]) <= 1e-4 and "error" not in card["export"], "whose error it is"
    assert card["teacher"]["digest"] == "0123456789abcdef", "the card forgot how the model was made"


def test_int8_has_int8_weights(int8_folder: Path) -> None:
    import onnx

    graph = onnx.load(str(int8_folder / "model.onnx")).graph
    kinds = {tensor.data_type for tensor in graph.initializer if len(tensor.dims) == 4}
    assert onnx.TensorProto.INT8 in kinds
    assert any(node.op_type == "Conv" and "aggregator" in node.name for node in graph.node)
    assert not any("aggregator" in node.name for node in graph.node if node.op_type == "QuantizeLinear")


def test_int8_needs_pictures_and_stays_near(tiny: PlaceModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="at least 48 pictures to calibrate int8 with, found 47"):
        export_edge(tiny, tmp_path / "edge", "int8", smooth(47))
    monkeypatch.setattr(edge, "LEAST_COSINE", 1.01)
    with pytest.raises(ModelError, match="found a mean cosine of"):
        export_edge(tiny, tmp_path / "edge", "int8", smooth(48))
    assert list(tmp_path.iterdir()) == []


def test_what_needs_weights_says_that_there_are_none(int8_folder: Path) -> None:
    with pytest.raises(ModelError, match="expected model.safetensors .* one exported for the edge has none"):
        PlaceModel.load(int8_folder)
