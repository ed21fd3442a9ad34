"""A study of moments: a town of a few small pictures, a tiny model, a step or two a setting."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from lofivpr.places import Places
from lofivpr.places.town import generate_town
from lofivpr.studies import Findings, Study, run_study

WHOLE = {"validation_fraction": 0}
STUDY: dict[str, Any] = {
    "name": "moments",
    "tests": [{"positives": ["25m", "12m"]}],
    "teacher": {
        "backbone": "tiny",
        "aggregator": "netvlad:clusters=4",
        "size": [64, 48],
        "training": {"recipe": "teacher", "set": {"epochs": 0}},
    },
    "settings": ["mse", "mse+ickd", "all-qualities", "no-teacher"],
    "train_at": ["60p/h265:qp48"],
    "losses": {"recipe": "paper", "set": {"positives": "25m", "batch_size": 2, **WHOLE}},
    "all_qualities": {"recipe": "all-qualities", "set": WHOLE},
    "no_teacher": {"recipe": "no-teacher", "set": {**WHOLE, "batch_size": 2}},
    "qualities": ["raw", "40p", "60p/h265:qp40", "60p/h265:qp48"],
    "frame_rate": 2.0,
    "budget": {"epochs": 1, "steps_per_epoch": 2},
}


def study_of(**changes: Any) -> Study:
    return Study.model_validate({**STUDY, **changes})


@pytest.fixture
def make_study() -> Callable[..., Study]:
    """The small study, with changes."""
    return study_of


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty-four pictures of a town at 160 x 120."""
    folder = tmp_path_factory.mktemp("town")
    generate_town(folder, pictures=64, size=(160, 120), workers=1, progress=False)
    return folder


@pytest.fixture(scope="session")
def asked(town: Path) -> Places:
    """What the small study is tested on."""
    assert Image.open(next((town / "images").iterdir())).size == (160, 120)
    return Places.open(town).split("test")


@pytest.fixture(scope="session")
def finished(town: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Findings]:
    """The small study, run to its end once: its folder, and what it found."""
    out = tmp_path_factory.mktemp("study") / "out"
    return out, run_study(study_of().on(town), out, tell=lambda line: None)
