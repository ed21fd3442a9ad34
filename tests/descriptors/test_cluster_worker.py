"""What a node refuses; here in this process, without a cluster."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.descriptors.cluster_worker import Order, Worker, packages
from lofivpr.errors import LofiError
from lofivpr.models import create_model, load_describer
from lofivpr.models.hub import FILES


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "model"
    create_model("tiny", size=(64, 48), clusters=4).save(folder)
    return folder


@pytest.fixture
def order(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Order:
    monkeypatch.chdir(tmp_path)  # a worker goes to the order's folder; the test's end brings this process back
    (tmp_path / "pictures").mkdir()
    digest = load_describer(model).digest
    return Order("pictures", str(tmp_path), None, False, "float16", digest, "onnx", packages("onnx"))


def worker(order: Order, model: Path) -> Worker:
    files = {name: (model / name).read_bytes() for name in FILES if (model / name).is_file()}
    return Worker(order, files, cores=1)


@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_a_block_is_what_the_model_says(order: Order, model: Path, make_pictures: Any, runtime: str) -> None:
    images = tuple(make_pictures(3))
    one = worker(replace(order, runtime=runtime, packages=packages(runtime)), model)
    one.ready()
    block = one.block(images)
    from lofivpr.media import open_image

    expected = load_describer(model, runtime).describe([open_image(image, "pictures") for image in images])
    assert block.descriptors.dtype == np.float16 and [row.image for row in block.rows] == list(images)
    np.testing.assert_array_equal(block.descriptors, expected.astype(np.float16))


def test_another_version_is_refused(order: Order, model: Path) -> None:
    found = dict(one.rsplit(" ", 1) for one in order.packages)
    other = tuple(f"{name} {'0.1' if name == 'pillow' else version}" for name, version in found.items())
    with pytest.raises(LofiError, match=re.escape(f"pillow {found['pillow']} instead of pillow 0.1. Install")):
        worker(replace(order, packages=other), model).ready()


def test_another_model_is_refused(order: Order, model: Path) -> None:
    with pytest.raises(LofiError, match="expected the model of digest d0, found"):
        worker(replace(order, model_digest="d0"), model).ready()


def test_pictures_that_a_node_lacks_are_no_bad_pictures(order: Order, model: Path) -> None:
    with pytest.raises(LofiError, match="expected the folder of the pictures elsewhere on every node, found none on"):
        worker(replace(order, root="elsewhere", skip_bad=True), model).ready()
    worker(replace(order, root="s3://bucket/elsewhere"), model).ready()


def test_a_gpu_that_is_none_is_told(order: Order, model: Path) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    gpu = replace(order, runtime="gpu", packages=packages("gpu"))
    assert any(one.startswith("torch ") for one in gpu.packages)
    with pytest.raises(LofiError, match="expected to run the model on a GPU of .*found none that torch.*--num-gpus 0"):
        worker(gpu, model).ready()
