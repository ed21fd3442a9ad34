from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.evaluation import Results, evaluate
from lofivpr.evaluation.bootstrap import bootstrap_interval
from lofivpr.evaluation.codings import learnt_centroids, product_quantization
from lofivpr.evaluation.descriptor_rate import REPEATS, median_milliseconds
from lofivpr.places import Places

Maker = Callable[..., Any]


def pair(pixels: Maker, grid: int = 6) -> tuple[Any, Any]:
    teacher = pixels("t", noise=3, grid=grid)
    return teacher, pixels("s", noise=2, grid=grid, card={"teacher": {"digest": teacher.digest, "path": "gone"}})


def described(model: Any, side: Places) -> np.ndarray:
    return model.describe([model.preprocessing.resize(side.open_image(i)) for i in range(len(side))])


def test_recall_is_that_of_a_slow_search_with_what_arrives(streets: Places, pixels: Maker) -> None:
    teacher, student = pair(pixels)
    results = evaluate([teacher, student], streets, ["jpeg:10"], progress=False)
    by_name = {row.coding: row for row in results.descriptor_rate}
    queries, database = streets.queries, streets.database
    sent, kept = described(teacher, queries), described(teacher, database)
    scale = np.abs(sent).max(axis=1, keepdims=True) / 127
    arrived = {"float16": sent.astype(np.float16).astype(float), "int8": np.round(sent / scale) * scale}
    for name, rows in arrived.items():
        hits = []
        for query, row in enumerate(rows):
            best = min(range(len(kept)), key=lambda at: float(((row - kept[at]) ** 2).sum()))
            hits.append(float(np.hypot(*(queries.xy()[query] - database.xy()[best]))) <= 25)
        found = by_name[name]
        assert found.recall is not None and found.interval is not None
        assert found.recall[1] == pytest.approx(100 * np.mean(hits))
        assert found.interval[1] == pytest.approx(bootstrap_interval(np.array(hits), queries.groups()))
    assert [row.bytes_per_query for row in results.descriptor_rate] == [2 * 108, 108 + 4, 64, 128, 256, 512]
    assert all(row.model == "t" and row.milliseconds > 0 for row in results.descriptor_rate)


def test_rows_do_not_change_and_codings_that_do_not_fit_say_why(compared: Results) -> None:
    assert [(row.model, row.quality) for row in compared.rows] == [
        (model, quality) for model in ("teacher", "student") for quality in compared.qualities
    ]
    refused = [row for row in compared.descriptor_rate if row.recall is None]
    assert [row.coding for row in refused] == ["pq64", "pq128", "pq256", "pq512"]
    assert all("do not divide the 108 numbers" in (row.refused or "") for row in refused)


def test_product_quantization_learns_from_the_database_only(make_road: Maker, pixels: Maker, tmp_path: Path) -> None:
    places = make_road(tmp_path, places=260, size=(24, 18))
    teacher = pixels(noise=1.5, grid=8)  # 192 numbers, three a part
    row = next(row for row in evaluate([teacher], places, progress=False).descriptor_rate if row.coding == "pq64")
    kept = described(teacher, places.database)
    arrived = product_quantization(learnt_centroids(64, kept)).decoded(described(teacher, places.queries))
    best = [int(np.argmin(((kept - query) ** 2).sum(axis=1))) for query in arrived]
    found = np.hypot(*(places.queries.xy() - places.database.xy()[best]).T) <= 25
    assert row.recall is not None and row.recall[1] == pytest.approx(100 * found.mean()) and 0 < found.mean() < 1


def test_codebooks_are_learnt_once_for_a_database(
    make_road: Maker, pixels: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the queries and the protocol; a damaged file of them is replaced."""
    learnt = []

    def learn(n_bytes: int, database: np.ndarray) -> np.ndarray:
        learnt.append(n_bytes)
        return learnt_centroids(n_bytes, database)

    monkeypatch.setattr("lofivpr.evaluation.descriptor_rate.learnt_centroids", learn)
    places = make_road(tmp_path, places=260, size=(24, 18))

    def recalls(**options: Any) -> list[Any]:
        results = evaluate([pixels(noise=1.5, grid=8)], places, out=tmp_path / "out", progress=False, **options)
        return [row.recall for row in results.descriptor_rate]

    first = recalls()
    kept = sorted((tmp_path / "out" / "stores").glob("codebooks-*.npy"))
    assert learnt == [64] and len(kept) == 1  # the others do not divide 192 numbers
    other = recalls(positives="60m")
    assert learnt == [64] and other != first
    kept[0].write_bytes(kept[0].read_bytes()[:1000])
    assert recalls(positives="61m") == other and learnt == [64, 64]
    assert recalls() == first


def test_too_few_pictures_to_learn_from_are_said(streets: Places, pixels: Maker) -> None:
    row = evaluate([pixels(grid=8)], streets, progress=False).descriptor_rate[2]
    assert (row.coding, row.recall) == ("pq64", None) and "found 12" in (row.refused or "")


def test_a_student_alone_is_compared_with_its_teacher(streets: Places, pixels: Maker) -> None:
    teacher, student = pair(pixels)
    found = evaluate([student], streets, ["18p"], database_model=teacher, progress=False).descriptor_rate
    assert {row.model for row in found} == {"t"}


@pytest.mark.parametrize("database_quality", ["raw", "same"])
def test_models_without_a_teacher_share_the_first_ones_descriptor(
    streets: Places, pixels: Maker, database_quality: str
) -> None:
    models = [pixels("a"), pixels("b", noise=1), pixels("c", noise=2)]
    found = evaluate(models, streets, ["18p"], database_quality=database_quality, progress=False)
    assert {row.model for row in found.descriptor_rate} == {"a"}


def test_a_second_run_neither_measures_nor_describes(streets: Places, pixels: Maker, tmp_path: Path) -> None:
    teacher, student = pair(pixels)
    first = evaluate([teacher, student], streets, ["raw"], out=tmp_path, progress=False)
    before = teacher.described
    again = evaluate([teacher, student], streets, ["raw"], out=tmp_path, progress=False)
    assert teacher.described == before and again.descriptor_rate == first.descriptor_rate
    other = evaluate([teacher, student], streets, ["raw"], positives="60m", out=tmp_path, progress=False)
    assert other.descriptor_rate[0].recall != first.descriptor_rate[0].recall


def test_a_skipped_query_does_not_count(make_road: Maker, pixels: Maker, tmp_path: Path) -> None:
    places = make_road(tmp_path)
    (tmp_path / "q0_000.png").write_bytes(b"no picture")
    row = evaluate([pixels()], places, skip_bad=True, progress=False).descriptor_rate[0]
    assert row.recall is not None and row.recall[1] == pytest.approx(100)


def test_time_is_asked_of_one_picture_at_a_time(pixels: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter([0.0, 3.0, 3.0, 4.0, 4.0, 6.0, 6.0, 106.0, 200.0, 201.0])
    monkeypatch.setattr("lofivpr.evaluation.descriptor_rate.time.perf_counter", lambda: next(ticks))
    model = pixels()
    assert median_milliseconds(model, np.zeros((72, 96, 3), np.uint8) + 7) == pytest.approx(2500)  # of 3, 1, 2, 100 s
    assert model.described == 1 + REPEATS - 1  # the fourth ended the patience
