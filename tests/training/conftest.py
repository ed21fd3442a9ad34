"""A tiny set of places with noise pictures, and tiny models: the real path in moments."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from lofivpr.models import PlaceModel, create_model
from lofivpr.places import Places

PLACES = 24  # spots 20 m apart, two pictures each


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    root = tmp_path_factory.mktemp("places")
    lines = ["image,x,y,panorama,heading_deg,role,split"]
    for spot in range(PLACES):
        base = np.random.default_rng(spot).integers(0, 256, (6, 8, 3), np.uint8)
        for view in range(2):
            noise = np.random.default_rng([spot, view]).normal(0, 12, (96, 128, 3))
            picture = cv2.resize(base, (128, 96), interpolation=cv2.INTER_CUBIC) + noise
            name = f"{spot:02d}_{view}.png"
            cv2.imwrite(str(root / name), picture.clip(0, 255).astype(np.uint8))
            lines.append(f"{name},{spot * 20.0},{view * 2.0},{spot}-{view},0,{('database', 'query')[view]},train")
    (root / "places.csv").write_text("\n".join(lines) + "\n")
    return Places.open(Path(root))


def tiny(seed: int = 0) -> PlaceModel:
    return create_model("tiny", "netvlad", size=(64, 48), clusters=4, seed=seed)


@pytest.fixture(scope="session")
def teacher_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("models") / "teacher"
    tiny().save(folder)
    return folder
