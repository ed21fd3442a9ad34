"""The studies of the paper at toy size, end to end; at full size, what they say without their data."""

from __future__ import annotations

from pathlib import Path

import pytest

from lofivpr.errors import LofiError
from lofivpr.models import read_card
from lofivpr.places import Places
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


@pytest.mark.parametrize("name", TOYS)
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


def test_the_random_split_trains_on_other_panoramas_than_it_asks(town: Path) -> None:
    from lofivpr.studies.sources import open_pictures, pictures_of

    study = Study.load("pitts250k-v1-toy").on(town)
    training, asked = (open_pictures(p, town) for p in (study.train, pictures_of(study.tests[0], study.train)))
    panoramas = [set(places.column("panorama")) for places in (training, asked)]
    assert panoramas[0] and panoramas[1] and not panoramas[0] & panoramas[1]
    standard = Places.open(town).split("train")
    assert set(training.images) - set(standard.images)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("pitts250k-v1", "Get .*netvlad_v100_datasets.* data/pitts250k holds"),
        ("gsv-cities-v2", "Get .*kaggle.* data/gsv-cities holds"),
        ("indoor-video-v1", "data/indoor-video, found nothing there. Record two walks"),
    ],
)
def test_without_its_data_a_study_says_what_to_get(
    name: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(LofiError, match=told):
        run_study(name, "out")
    assert not Path("out").exists()


def test_without_its_weights_a_study_says_where_they_are(town: Path, tmp_path: Path) -> None:
    study = Study.load("indoor-video-v1").on(town)
    with pytest.raises(LofiError, match=r"expected Pitts30K_struct.mat.*Get it from https://www.di.ens.fr"):
        run_study(study, tmp_path / "out", tell=lambda line: None)


def test_the_cards_of_a_study_say_what_made_the_models(finished: tuple[Path, object]) -> None:
    card = read_card(finished[0] / "models" / "mse+ickd")
    assert card["recipe"]["losses"] == {"mse": 1500.0, "ickd": 0.001}
    assert card["recipe"]["qualities"] == ["60p/h265:qp48"]
