"""Validation recall against a slow search written here, and its independence of the batch and the epoch."""

from __future__ import annotations

import numpy as np
import pytest

from lofivpr.models import create_model
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.training import validation as room
from lofivpr.training.validation import Validation

LADDER = [Quality.parse("raw"), Quality.parse("16p"), Quality.parse("48p/jpeg:5")]


def test_few_pictures_are_asked_at_several_qualities(places: Places) -> None:
    built = Validation.build(places, "10m", LADDER, None)
    assert len(built.rows) == 3 * len(places)  # 48 pictures: all three qualities of the ladder
    assert set(zip(built.rows.tolist(), built.qualities, strict=True)) == {
        (row, quality) for row in range(len(places)) for quality in LADDER
    }


def test_many_pictures_are_asked_once(places: Places, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "QUERIES", 40)
    built = Validation.build(places, "10m", LADDER, None)
    assert built.rows.tolist() == list(range(len(places)))
    assert [built.qualities.count(quality) for quality in LADDER] == [16, 16, 16]


def test_the_standard_error_is_that_of_as_many_coins(places: Places) -> None:
    built = Validation.build(places, "10m", LADDER, None)
    tosses = np.random.default_rng(0).random((20000, len(built.rows))) < 0.7
    assert built.standard_error(70) == pytest.approx(100 * tosses.mean(axis=1).std(), rel=0.03)
    assert built.standard_error(100) == built.standard_error(0) == 0


@pytest.mark.parametrize("asymmetric", [True, False])
def test_recall_equals_a_slow_search(asymmetric: bool, places: Places) -> None:
    teacher, student = (create_model("tiny", "netvlad", size=(64, 48), clusters=4, seed=seed) for seed in (0, 1))
    built = Validation.build(places, "10m", LADDER, teacher if asymmetric else None)
    database = (teacher if asymmetric else student).describe([places.open_image(i) for i in range(len(places))])
    xy, panoramas = places.xy(), places.column("panorama")
    hits = {1: 0, 5: 0}
    for row, quality in zip(built.rows, built.qualities, strict=True):
        query = student.describe([quality.encode(places.open_image(int(row))).image])[0]
        others = [i for i in range(len(places)) if panoramas[i] != panoramas[row]]
        others.sort(key=lambda i: float(np.square(database[i] - query).sum()))
        right = [np.hypot(*(xy[i] - xy[row])) <= 10 for i in others]
        for n in hits:
            hits[n] += any(right[:n])
    expected = {f"recall@{n}": 100 * count / len(built.rows) for n, count in hits.items()}
    assert built.recall(student) == pytest.approx(expected)
    assert built.recall(student) == built.recall(student)
