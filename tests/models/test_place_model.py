from __future__ import annotations

import copy
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.models import ModelError, PlaceModel, create_model, fit_whitening
from lofivpr.models.folder import CONFIG_FILE, WEIGHTS_FILE

SHARED = create_model("tiny", size=(64, 32), clusters=4)


def test_output_has_descriptors_and_features(tiny: PlaceModel) -> None:
    found = tiny(torch.randn(3, 3, 64, 96))
    assert found.features.shape == (3, 32, 4, 6)
    assert found.descriptor.shape == (3, tiny.descriptor_size) == (3, 128)
    torch.testing.assert_close(found.descriptor.norm(dim=1), torch.ones(3))
    torch.testing.assert_close(tiny.describe_features(found.features), found.descriptor)


def test_describe_equals_forward_of_the_preprocessed(tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    batch = torch.from_numpy(tiny.preprocessing.to_array(pictures))
    with torch.no_grad():
        wanted = tiny(batch)
    found = tiny.describe(pictures, quality=[None] * len(pictures))
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, wanted.descriptor.numpy(), atol=1e-6)
    np.testing.assert_allclose(tiny.features(pictures), wanted.features.numpy(), atol=1e-5)
    assert tiny.describe([]).shape == (0, 128)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 9), st.integers(0, 2**32 - 1), st.booleans())
def test_a_descriptor_does_not_depend_on_its_batch(count: int, seed: int, training: bool) -> None:
    rng = np.random.default_rng(seed)
    images = [rng.integers(0, 256, (*rng.integers(8, 80, 2), 3), dtype=np.uint8) for _ in range(count)]
    one_by_one = np.concatenate([SHARED.describe([image]) for image in images])
    assert np.abs(SHARED.describe(images) - one_by_one).max() <= 1e-6
    # In one true batch, and in training mode too: batch norm never looks at the batch.
    SHARED.train(training)
    with torch.no_grad():
        batch = SHARED(torch.from_numpy(SHARED.preprocessing.to_array(images))).descriptor.numpy()
    assert np.abs(batch - one_by_one).max() <= 1e-6
    order = rng.permutation(count)
    np.testing.assert_array_equal(SHARED.describe([images[i] for i in order]), one_by_one[order])


def test_width_and_height_are_not_swapped() -> None:
    model = create_model("tiny", size=(96, 32), clusters=4)
    image = np.zeros((100, 100, 3), dtype=np.uint8)
    assert model.features([image]).shape == (1, 32, 2, 6)


@pytest.mark.parametrize("size", [(320, 250), (100, 240), (8, 8)])
def test_a_size_that_the_stride_does_not_divide_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(ModelError, match="multiples of 16.*nearest"):
        create_model("tiny", size=size)


def test_a_batch_of_another_size_is_refused(tiny: PlaceModel) -> None:
    with pytest.raises(ModelError, match=r"multiples of 16, found 100 x 64"):
        tiny(torch.zeros(1, 3, 64, 100))


def test_bad_picture_is_refused(tiny: PlaceModel) -> None:
    with pytest.raises(LofiError, match="uint8"):
        tiny.describe([np.zeros((4, 4, 3))])


def test_describe_leaves_the_mode(tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    tiny.train()
    tiny.describe(pictures[:1])
    assert tiny.training


def test_digest_follows_weights_and_not_the_name(tiny: PlaceModel) -> None:
    twin = copy.deepcopy(tiny)
    twin.config = twin.config.replace(name="twin")
    assert twin.digest == tiny.digest and twin.name != tiny.name
    with torch.no_grad():
        twin.backbone.layers.stage0[0].weight[0, 0, 0, 0] += 1e-4
    assert twin.digest != tiny.digest


def test_save_and_load(tiny: PlaceModel, pictures: list[np.ndarray], tmp_path: Path) -> None:
    digest = tiny.save(tmp_path / "m", onnx=False)
    loaded = PlaceModel.load(tmp_path / "m")
    assert loaded.digest == digest == tiny.digest == loaded.config.digest
    np.testing.assert_array_equal(loaded.describe(pictures), tiny.describe(pictures))
    assert not loaded.training


def test_whitening_is_applied_saved_and_loaded(tiny: PlaceModel, pictures: list[np.ndarray], tmp_path: Path) -> None:
    before = tiny.describe(pictures)
    weight, bias = fit_whitening(before, dim=3)
    tiny.set_whitening(weight, bias)
    wanted = before @ weight.T + bias
    wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
    np.testing.assert_allclose(tiny.describe(pictures), wanted, atol=1e-5)
    tiny.save(tmp_path / "m", onnx=False)
    loaded = PlaceModel.load(tmp_path / "m")
    assert loaded.descriptor_size == 3
    np.testing.assert_array_equal(loaded.describe(pictures), tiny.describe(pictures))
    with pytest.raises(ModelError, match="whitening of shape"):
        tiny.set_whitening(weight[:, :5], bias)


def test_folder_of_another_architecture_names_what_differs(tiny_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    values = json.loads((folder / CONFIG_FILE).read_text())
    values["aggregator_options"]["clusters"] = 5
    (folder / CONFIG_FILE).write_text(json.dumps(values))
    with pytest.raises(ModelError, match=r"shape \(5, 32\) for aggregator\.centroids, found \(4, 32\)"):
        PlaceModel.load(folder)


def test_weights_of_another_model_are_refused(tiny_folder: Path, tmp_path: Path, tiny: PlaceModel) -> None:
    folder = shutil.copytree(tiny_folder, tmp_path / "m")
    with torch.no_grad():
        tiny.aggregator.centroids += 1
    tiny.save(tmp_path / "other", onnx=False)
    shutil.copy(tmp_path / "other" / WEIGHTS_FILE, folder / WEIGHTS_FILE)
    with pytest.raises(ModelError, match="weights do not fit"):
        PlaceModel.load(folder)
