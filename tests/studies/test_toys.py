"""The studies of the paper at toy size, end to end; at full size, what they say without their data."""

from __future__ import annotations

from pathlib import Path

import pytest

from lofivpr.quality import Quality
from lofivpr.studies import Study, run_study, study_names
from lofivpr.training import SETTINGS

TOYS = [name for name in study_names() if name.endswith("-toy")]


def test_each_study_of_the_paper_has_its_toy() -> None:
    assert TOYS == ["gsv-cities-v2-toy", "indoor-video-v1-toy", "pitts250k-v1-toy"]
    for toy in TOYS:
        small, full = Study.load(toy), Study.load(toy.removesuffix("-toy"))
        assert small.settings == full.settings and small.losses.recipe == full.losses.recipe == "paper"
        assert {trial.database_quality for trial in small.tests} == {trial.database_quality for trial in full.tests}
        coded = [{Quality.parse(text).codec for text in study.qualities} for study in (small, full)]
        assert coded[0] == coded[1]


@pytest.mark.parametrize("name", [name for name in TOYS if not name.startswith("pitts")])
def test_a_toy_ends_in_tables_and_figures(name: str, town: Path, tmp_path: Path) -> None:
    study = Study.load(name).on(town)
    found = run_study(study, tmp_path / "out", tell=lambda line: None)
    models = ["teacher", *SETTINGS, "raml", "all-qualities", "no-teacher"]
    rules = sum(len(trial.positives) * (2 if trial.verify else 1) for trial in study.tests)
    assert len(found.panels) == rules
    for panel in found.panels:
        assert panel.results.models == models and panel.results.qualities == list(study.qualities)
        for row in panel.results.rows:
            symmetric = name.startswith("gsv")
            assert row.database.quality == (row.quality if symmetric else "raw")
            own = symmetric or row.model in ("teacher", "no-teacher")
            assert row.database.model == (row.model if own else "teacher")
            if "inliers" in panel.rule:
                assert row.unverified is not None and row.recall[1] <= row.unverified[1]
    files = {path.name for path in found.files}
    assert files >= {"table.md", "table.csv", "heat.md", "heat.csv", "figure-6.png"}
    assert ("figure-4.png" in files) == (not name.startswith("pitts"))
    assert ("figure-4-resolution.png" in files) == name.startswith("pitts")
