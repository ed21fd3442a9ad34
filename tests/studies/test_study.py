"""Studies as values and files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from lofivpr.studies import Study, StudyError, study_names
from lofivpr.studies.settings import settings_of, teacher_setting
from lofivpr.training import SETTINGS

Make = Callable[..., Study]


@pytest.mark.parametrize("name", study_names())
def test_every_study_of_the_package_makes_sense(name: str) -> None:
    study = Study.load(name)
    assert study.name == name
    assert teacher_setting(study).recipe.name == "teacher"
    assert len({setting.name for setting in settings_of(study)}) == len(settings_of(study))
    assert set(SETTINGS) <= set(study.settings)


def test_a_study_is_read_back_from_its_yaml(make_study: Make, tmp_path: Path) -> None:
    study = make_study().on("streets")
    path = tmp_path / "study.yaml"
    path.write_text(study.to_yaml())
    assert Study.load(path) == study
    assert study.train.places == "streets"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"settings": ["mse", "mae"]}, "found mae"),
        ({"qualities": ["240p/h265:qp99"]}, "qp99"),
        ({"tests": [{"positives": ["nearby"]}]}, "nearby"),
        ({"tests": [{"protocol": "pitts250k-test"}]}, "fixes its positives"),
        ({"tests": [{"positives": []}]}, "needs positives"),
        ({"tests": [{}, {}]}, "a name of its own"),
        ({"train": {"places": "streets", "town": {}}}, "exclude each other"),
        ({"qualities": ["240p/h265:qp40@1fps"], "budget": {"queries": 5}}, "all its frames"),
        ({"epochs": 3}, "epochs"),
    ],
)
def test_a_wrong_study_is_told_with_its_key(change: dict, told: str, tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({"name": "s", "train_at": ["60p"], "qualities": ["60p"], **change}))
    with pytest.raises(StudyError, match=told):
        Study.load(path)


def test_a_study_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="expected a study out of .*town.*, found 'nothing'"):
        Study.load("nothing")
    with pytest.raises(StudyError, match="expected a study in UTF-8 at"):
        Study.load(tmp_path / "nothing.yaml")
    (tmp_path / "bad.yaml").write_text("name: [")
    with pytest.raises(StudyError, match="expected YAML"):
        Study.load(tmp_path / "bad.yaml")
