from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from reference import CHANNELS, CLUSTERS, conv5_3, convolutions, layer_kinds, netvlad, unit
from scipy.io import savemat

from lofivpr.models import ModelError, PlaceModel
from lofivpr.models.weights import import_weights
from lofivpr.models.weights.matconvnet import Network, import_network

MEAN = (123.68, 116.779, 103.939)
SIZE = (48, 32)
DIM = 24  # instead of 4096, which would be half a gigabyte
PLAIN = Network("plain", "somewhere", "MIT", None, SIZE)
WHITE = Network("white", "somewhere", "MIT", DIM, SIZE)


def layer(name: str, kind: str, *weights: np.ndarray) -> dict:
    cell = np.empty((1, len(weights)), dtype=object)
    for number, array in enumerate(weights):
        cell[0, number] = array
    return {"type": kind, "name": name, "weights": cell, "stride": 1.0, "pad": 1.0}


def network(whitening: int | None = DIM, seed: int = 0) -> dict:
    """`net` in the structure of the official files, with random weights."""
    rng, weights, layers = np.random.default_rng(seed), convolutions(seed), []
    for number, (kind, _, _) in enumerate(layer_kinds()):
        arrays = (weights[number][0], weights[number][1][None, :]) if kind == "conv" else ()
        layers.append(layer(f"{kind}{number}", kind, *arrays))
    layers.append(layer("preL2", "custom"))
    scores = 5 * rng.standard_normal((CHANNELS, CLUSTERS), dtype=np.float32)
    centres = -unit(rng.standard_normal((CHANNELS, CLUSTERS)), 0).astype(np.float32)
    layers += [layer("vlad:core", "custom", scores, centres), layer("vlad:intranorm", "custom")]
    layers.append(layer("postL2", "custom"))
    if whitening is not None:
        matrix = rng.standard_normal((1, 1, CHANNELS * CLUSTERS, whitening), dtype=np.float32)
        layers.append(layer("WPCA", "conv", matrix, 0.1 * rng.standard_normal((1, whitening), dtype=np.float32)))
        layers.append(layer("finalL2", "custom"))
    picture = np.broadcast_to(np.float32(MEAN), (224, 224, 3))
    return {"layers": layers, "meta": {"normalization": {"averageImage": picture, "imageSize": [224.0, 224.0, 3.0]}}}


def write(path: Path, net: dict) -> Path:
    cell = np.empty((1, len(net["layers"])), dtype=object)
    cell[0] = net["layers"]
    savemat(path, {"net": {**net, "layers": cell}})
    return path


@pytest.fixture(scope="module")
def net() -> dict:
    return network()


@pytest.fixture(scope="module")
def file(net: dict, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("official") / "Pitts30K_struct.mat", net)


def picture(seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (SIZE[1], SIZE[0], 3), dtype=np.uint8)


def expected(net: dict, image: np.ndarray) -> np.ndarray:
    """The D x K descriptor of the file's own arrays."""
    weights = {
        number: (entry["weights"][0, 0], entry["weights"][0, 1][0])
        for number, entry in enumerate(net["layers"][:29])
        if entry["type"] == "conv"
    }
    scores, centres = net["layers"][30]["weights"][0]
    return unit(netvlad(conv5_3(image - np.array(MEAN), weights), scores, -centres).ravel()).reshape(CHANNELS, -1)


def test_the_network_describes_as_its_file_says(net: dict, file: Path, tmp_path: Path) -> None:
    model = import_network(file, PLAIN, tmp_path / "plain", onnx=False)
    image = picture()
    found = model.describe([image])[0]
    assert found.shape == (32768,)
    np.testing.assert_allclose(found, expected(net, image).T.ravel(), atol=2e-6)
    np.testing.assert_array_equal(PlaceModel.load(tmp_path / "plain").describe([image])[0], found)


def test_the_whitening_is_reordered(net: dict, file: Path, tmp_path: Path) -> None:
    model = import_network(file, WHITE, tmp_path / "white", onnx=False)
    image = picture(2)
    matrix, bias = net["layers"][33]["weights"][0]
    by_channel = expected(net, image).ravel()  # index d * K + k, as the file's whitening wants it
    white = unit(by_channel @ matrix[0, 0].astype(np.float64) + bias[0])
    assert model.descriptor_size == DIM
    np.testing.assert_allclose(model.describe([image])[0], white, atol=1e-5)


def test_the_folder_names_source_licence_and_file(file: Path, tmp_path: Path) -> None:
    import_weights(file, "netvlad-pitts30k", tmp_path / "model", onnx=False)
    card = json.loads((tmp_path / "model" / "card.json").read_text())
    assert card["imported"]["file"] == "Pitts30K_struct.mat" and len(card["imported"]["sha256"]) == 64
    assert "willow/research/netvlad" in card["weights"]["source"] and card["weights"]["licence"].startswith("MIT")
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    assert config["scale"] == 1.0 and config["mean"] == pytest.approx(MEAN, abs=1e-4) and config["size"] == [640, 480]


def wrong(net: dict, number: int, weights: tuple[np.ndarray, ...]) -> dict:
    layers = net["layers"][: number + 1]  # what comes later is not read any more
    layers[number] = layer(layers[number]["name"], layers[number]["type"], *weights)
    return {**net, "layers": layers}


def test_the_first_shape_that_differs_is_named(net: dict, tmp_path: Path) -> None:
    bad = wrong(net, 5, (np.zeros((3, 3, 64, 96), np.float32), np.zeros((1, 96), np.float32)))
    message = r"expected net.layers\[5\].weights\[0\] of shape \(3, 3, 64, 128\), found float32 \(3, 3, 64, 96\)"
    with pytest.raises(ModelError, match=message):
        import_network(write(tmp_path / "a.mat", bad), PLAIN, tmp_path / "out")
    scores = np.zeros((CHANNELS, 32), np.float32)
    with pytest.raises(ModelError, match=r"layers\[30\].weights\[0\] of shape \(512, 64\), found float32 \(512, 32\)"):
        import_network(write(tmp_path / "b.mat", wrong(net, 30, (scores, scores))), PLAIN, tmp_path / "out")
    with pytest.raises(ModelError, match=r"layers\[2\].weights\[0\] .*, found 0"):
        import_network(write(tmp_path / "c.mat", wrong(net, 2, ())), PLAIN, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_file_without_whitening(net: dict, tmp_path: Path) -> None:
    file = write(tmp_path / "short.mat", {**net, "layers": net["layers"][:33]})
    import_network(file, PLAIN, tmp_path / "plain", onnx=False)
    with pytest.raises(ModelError, match=r"layers\[33\].weights\[0\] of shape \(1, 1, 32768, 24\), found 33 layers"):
        import_network(file, WHITE, tmp_path / "white")


def test_files_of_another_kind(net: dict, tmp_path: Path) -> None:
    savemat(tmp_path / "db.mat", {"dbStruct": {"whichSet": "val"}})
    with pytest.raises(ModelError, match="expected a variable net, found dbStruct"):
        import_weights(tmp_path / "db.mat", "netvlad-tokyotm", tmp_path / "out")
    savemat(tmp_path / "net.mat", {"net": {"vars": 1.0, "meta": net["meta"]}})
    with pytest.raises(ModelError, match="expected net.layers, found vars, meta"):
        import_weights(tmp_path / "net.mat", "netvlad-tokyotm-4096", tmp_path / "out")
    (tmp_path / "text.mat").write_text("no MATLAB file")
    with pytest.raises(ModelError, match="expected a MATLAB file"):
        import_weights(tmp_path / "text.mat", "netvlad-tokyotm", tmp_path / "out")
    (tmp_path / "new.mat").write_bytes(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM" + b"\x89HDF\r\n\x1a\n")
    with pytest.raises(ModelError, match="found version 7.3"):
        import_weights(tmp_path / "new.mat", "netvlad-tokyotm", tmp_path / "out")


def test_the_average_must_be_one_colour(net: dict, tmp_path: Path) -> None:
    image = np.zeros((4, 4, 3), np.float32)
    image[0, 0] = 9
    bad = {**net, "layers": net["layers"][:1], "meta": {"normalization": {"averageImage": image}}}
    with pytest.raises(
        ModelError, match=r"expected one colour in net.meta.normalization.averageImage, found a picture"
    ):
        import_network(write(tmp_path / "a.mat", bad), PLAIN, tmp_path / "out")
    bad["meta"] = {"normalization": {"imageSize": 1.0}}
    with pytest.raises(ModelError, match=r"expected net.meta.normalization.averageImage, found imageSize"):
        import_network(write(tmp_path / "b.mat", bad), PLAIN, tmp_path / "out")
