"""A model of one's own, added as CONTRIBUTING says: a copy of the template goes the whole way."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from lofivpr.evaluation import evaluate
from lofivpr.maps import Map
from lofivpr.models import OnnxModel, PlaceModel, aggregator_names, load_describer, registry
from lofivpr.places import Places
from lofivpr.training import Recipe, distill, train

TEMPLATE = Path(registry.__file__).parent / "aggregators" / "_template.py"


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Registers a copy of the template from a file outside the package; its name."""
    monkeypatch.setattr(registry, "_AGGREGATORS", dict(registry._AGGREGATORS))
    file = tmp_path / "mine.py"
    file.write_text(TEMPLATE.read_text(encoding="utf-8").replace('"template"', '"mine"'), encoding="utf-8")
    spec = importlib.util.spec_from_file_location("mine", file)
    assert spec is not None and spec.loader is not None and "mine" not in aggregator_names()
    spec.loader.exec_module(importlib.util.module_from_spec(spec))
    assert "mine" in aggregator_names()
    return "mine"


def test_the_whole_way(mine: str, places: Places, tmp_path: Path) -> None:
    teacher, student = tmp_path / "teacher", tmp_path / "student"
    quick = ["epochs=1", "steps_per_epoch=2", "learning_rate=0.002", "batch_size=4"]
    settings = [*quick, "per_place=2", "positives=10m", "validation_fraction=0"]
    taught = train(
        places, "tiny", f"{mine}:dim=40", Recipe.load("gsv-cities").with_settings(settings), teacher, size=(64, 48)
    )
    learnt = distill(
        teacher, places, Recipe.load("one-student").with_settings([*quick, "qualities=[raw, 'jpeg:5']"]), student
    )
    assert taught.digest != learnt.digest and taught.descriptor_size == 40

    picture = places.open_image(0)
    for folder, model in ((teacher, taught), (student, learnt)):
        onnx = load_describer(folder)
        assert isinstance(onnx, OnnxModel) and PlaceModel.load(folder).digest == onnx.digest == model.digest
        found = onnx.describe([picture])
        np.testing.assert_allclose(found, model.describe([picture]), atol=1e-4)
        np.testing.assert_allclose(np.linalg.norm(found), 1, atol=1e-5)

    results = evaluate([teacher, student], places, ["raw", "48p/jpeg:5"], positives="10m", progress=False)
    assert results.references == {"student": "teacher"} and results.row("teacher", "raw").recall[1] > 50
    built = Map.build(load_describer(teacher), places, tmp_path / "places.map")
    assert built.locate(load_describer(teacher), picture, calibrated=False).candidates[0].row == 0
    assert built.locate(load_describer(student), picture, calibrated=False).candidates[0].similarity > 0.9
