from __future__ import annotations

import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from lofivpr.models import ModelError, OnnxModel, PlaceModel, fit_whitening
from lofivpr.models.folder import ONNX_FILE, WEIGHTS_FILE

WITHOUT_TORCH = """
import sys

class Block:
    def find_spec(self, name, path=None, target=None):
        blocked = {"torch", "timm", "torchvision", "onnx", "onnxscript", "lightning_fabric"}
        if name.partition(".")[0] in blocked:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Block())
import numpy as np
import lofivpr.models as models

assert models.backbone_names() and models.aggregator_names()
pictures = list(np.load(sys.argv[2]))
describer = models.load_describer(sys.argv[1])
np.save(sys.argv[3], describer.describe(pictures))
assert models.heatmap(describer, pictures[0], "residual-energy").shape == (4, 6)
assert "torch" not in sys.modules
for action in (lambda: models.PlaceModel, lambda: models.load_describer(sys.argv[1], "torch")):
    try:
        action()
    except models.ModelError as error:
        assert "lofivpr[train]" in str(error), error
    else:
        raise AssertionError("expected a ModelError")
"""


def test_equals_torch(tiny_folder: Path, pictures: list[np.ndarray]) -> None:
    onnx_model, model = OnnxModel.load(tiny_folder), PlaceModel.load(tiny_folder)
    assert onnx_model.digest == model.digest and onnx_model.name == model.name
    assert onnx_model.descriptor_size == model.descriptor_size
    assert onnx_model.preprocessing == model.preprocessing
    np.testing.assert_allclose(onnx_model.describe(pictures), model.describe(pictures), atol=1e-5)
    np.testing.assert_allclose(onnx_model.features(pictures), model.features(pictures), atol=1e-4)
    assert onnx_model.describe([]).shape == (0, 128)


def test_whitened_model_equals_torch(tiny: PlaceModel, pictures: list[np.ndarray], tmp_path: Path) -> None:
    tiny.set_whitening(*fit_whitening(tiny.describe(pictures), dim=4))
    tiny.save(tmp_path / "m")
    found = OnnxModel.load(tmp_path / "m")
    assert found.descriptor_size == 4
    np.testing.assert_allclose(found.describe(pictures), tiny.describe(pictures), atol=1e-4)


def test_batch_threads_and_order_do_not_matter(tiny_folder: Path, pictures: list[np.ndarray]) -> None:
    model = OnnxModel.load(tiny_folder, threads=2)
    together = model.describe(pictures)
    one_by_one = np.concatenate([model.describe([picture]) for picture in pictures])
    assert np.abs(together - one_by_one).max() <= 1e-6
    with ThreadPoolExecutor(4) as pool:
        parallel = list(pool.map(lambda picture: model.describe([picture])[0], pictures * 5))
    assert np.abs(np.stack(parallel) - np.tile(one_by_one, (5, 1))).max() <= 1e-6
    single = OnnxModel.load(tiny_folder, threads=1).describe(pictures)
    assert np.abs(single - together).max() <= 1e-6


def test_runs_where_torch_cannot_be_imported(tiny_folder: Path, tmp_path: Path, pictures: list[np.ndarray]) -> None:
    same_size = [picture[:40, :40] for picture in pictures]
    np.save(tmp_path / "pictures.npy", np.stack(same_size))
    arguments = [str(tiny_folder), str(tmp_path / "pictures.npy"), str(tmp_path / "found.npy")]
    done = subprocess.run([sys.executable, "-c", WITHOUT_TORCH, *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    wanted = PlaceModel.load(tiny_folder).describe(same_size)
    np.testing.assert_allclose(np.load(tmp_path / "found.npy"), wanted, atol=1e-5)


def test_no_onnx_file_says_how_to_export(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / ONNX_FILE).unlink()
    with pytest.raises(ModelError, match=r"expected model\.onnx .* Export it: PlaceModel\.load"):
        OnnxModel.load(folder)


def test_an_export_of_other_weights_is_refused(tiny: PlaceModel, tiny_folder: Path, tmp_path: Path) -> None:
    tiny.aggregator.centroids.data *= 2
    tiny.save(tmp_path / "m")
    shutil.copy(tiny_folder / ONNX_FILE, tmp_path / "m" / ONNX_FILE)
    with pytest.raises(ModelError, match=f"digest {tiny.digest}"):
        OnnxModel.load(tmp_path / "m")


def test_a_truncated_export_is_refused(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    data = (folder / ONNX_FILE).read_bytes()
    (folder / ONNX_FILE).write_bytes(data[: len(data) // 2])
    with pytest.raises(ModelError, match="expected an ONNX model in"):
        OnnxModel.load(folder)


def test_two_files_are_enough_without_verification(
    tiny_folder: Path, tmp_path: Path, pictures: list[np.ndarray]
) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    (folder / WEIGHTS_FILE).unlink()
    found = OnnxModel.load(folder, verify=False).describe(pictures)
    np.testing.assert_array_equal(found, OnnxModel.load(tiny_folder).describe(pictures))
