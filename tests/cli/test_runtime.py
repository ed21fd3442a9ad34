"""`--runtime` of the commands that describe."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from lofivpr.descriptors import DescriptorStore
from lofivpr.maps import Map

Done = Callable[..., str]


def test_torch_describes_as_onnx_runtime_does(done: Done, places: Path, teacher: Path, tmp_path: Path) -> None:
    command = ("describe", "--model", teacher, "--places", places, "--split", "test")
    found = []
    for runtime in ("onnx", "torch"):
        done(*command, "--runtime", runtime, "--out", tmp_path / runtime)
        store = DescriptorStore.open(tmp_path / runtime)
        found.append(np.concatenate(list(store.blocks())))
        assert store.maker.precision == "float32"
    np.testing.assert_allclose(*found, atol=1e-5)
    assert not np.array_equal(*found), "one runtime did both"


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("command", ["describe", "map build", "map add", "evaluate"])
def test_no_gpu_is_told(command: str, done: Done, refused: Done, places: Path, teacher: Path, tmp_path: Path) -> None:
    town = tmp_path / "town.map"
    told = {
        "describe": ("describe", "--model", teacher, "--places", places, "--out", tmp_path / "out"),
        "map build": ("map", "build", places, "--model", teacher, "--out", tmp_path / "out.map"),
        "map add": ("map", "add", town, places, "--split", "train", "--model", teacher),
        "evaluate": ("evaluate", "--model", teacher, "--places", places, "--split", "test", "--out", tmp_path / "out"),
    }[command]
    if command == "map add":
        done("map", "build", places, "--split", "test", "--model", teacher, "--out", town)
        before = len(Map.open(town))
    assert "expected a GPU for the runtime 'gpu', found none that torch" in refused(*told, "--runtime", "gpu")
    if command == "map add":
        assert len(Map.open(town)) == before
