from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lofivpr.models import PlaceModel, create_model, initialise_netvlad


def _pictures(count: int, seed: int) -> list[np.ndarray]:
    """Smooth random pictures of different sizes, none of them the model's."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        height, width = (int(side) for side in rng.integers(40, 160, 2))
        coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
        found.append(coarse.repeat(8, axis=0).repeat(8, axis=1)[:height, :width])
    return found


@pytest.fixture(scope="session")
def pictures() -> list[np.ndarray]:
    return _pictures(6, seed=1)


@pytest.fixture()
def tiny() -> PlaceModel:
    """A small initialised NetVLAD model that a test may change."""
    model = create_model("tiny", size=(96, 64), clusters=4, seed=3)
    initialise_netvlad(model, _pictures(8, seed=2), seed=0)
    return model


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A saved model with ONNX; tests copy it before they damage it."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    model = create_model("tiny", size=(96, 64), clusters=4, seed=3)
    initialise_netvlad(model, _pictures(8, seed=2), seed=0)
    model.save(folder, {"teacher": {"digest": "0123456789abcdef", "path": "teacher"}})
    return folder
