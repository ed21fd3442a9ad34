"""Questions put to a map: searches against loops, sizes and bytes as a receiver sees them, absent surroundings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lofivpr.errors import LofiError
from lofivpr.maps import ArrayRows, Map
from lofivpr.maps.asked import Questions, near, search
from lofivpr.maps.calibrate import ABSENT_RADIUS, Terms, _fewer, _questions, calibrate
from lofivpr.maps.honesty import honesty
from lofivpr.places import Places, Protocol
from lofivpr.quality import Quality

QUALITIES = ["raw", "5p", "6p/jpeg:40"]


@pytest.fixture
def town(tmp_path: Path) -> Places:
    """48 places 11 m apart, and two queries beside every one: its picture with noise, one of four with much."""
    rows = []
    (tmp_path / "town").mkdir()
    for number in range(48):
        picture = np.random.default_rng(number).integers(0, 256, (6, 8, 3))
        for view in range(3):
            rng = np.random.default_rng([number, view])
            noise = 0 if view == 0 else 160 if number % 4 == 3 else 40
            name = f"{number:02d}-{view}.png"
            pixels = np.clip(picture + rng.normal(0, noise, picture.shape), 0, 255).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "town" / name)
            role, lat = "database" if view == 0 else "query", 52 + number * 1e-4 + view * 1e-6
            rows.append({"image": name, "lat": lat, "lon": 4.0, "role": role, "panorama": f"{number}-{role}"})
    return Places.from_table(tmp_path / "town", pa.Table.from_pylist(rows))


@pytest.mark.parametrize("k", [1, 3, 9])
def test_search_is_the_loop_over_what_may_be_found(tmp_path: Path, places_of: Any, unit_rows: Any, k: int) -> None:
    rows, queries = unit_rows(8), unit_rows(4, seed=1)
    built = Map.from_rows(ArrayRows(rows), places_of(8), tmp_path / "m", model="m", model_digest="d", dtype="float32")
    excluded = [np.array(out, np.int64) for out in ([], [0, 3], [5], list(range(8)))]
    similarity, found = search(built, queries, k, excluded)
    for query, alike, order, out in zip(queries, similarity, found, excluded, strict=True):
        allowed = [row for row in range(8) if row not in out]
        allowed.sort(key=lambda row, query=query: -float(rows[row] @ query))
        expected = allowed[:k] + [-1] * (k - len(allowed))
        assert order.tolist() == expected
        cosine = [rows[row] @ query if row >= 0 else -np.inf for row in expected]
        np.testing.assert_allclose(alike, cosine, atol=1e-6)
    assert search(built, queries, k)[1].tolist() == search(built, queries, k, [excluded[0]] * 4)[1].tolist()


def test_near_is_within_and_nowhere_is_not() -> None:
    points = np.array([[25.0, 0, 0], [25.01, 0, 0], [np.nan] * 3])
    assert near(points, np.zeros((3, 3)), 25.0).tolist() == [True, False, False]


def test_what_was_asked_is_what_a_receiver_sees(town: Places, grey: Any, tmp_path: Path) -> None:
    built = Map.build(grey, town.database, tmp_path / "map")
    questions = Questions.of(town.queries)
    quality = Quality.parse("4p/jpeg:40")
    asked = questions.ask(built, grey, quality, 5, 25.0, tmp_path / "cache", False)
    for row in (0, 17, 95):
        encoded = quality.encode(town.queries.open_image(row))
        assert encoded.n_bytes == asked.n_bytes[row]
        assert (asked.seen[row].codec, asked.seen[row].height) == ("jpeg", 4)
        assert asked.seen[row].bits_per_pixel == pytest.approx(8 * encoded.n_bytes / (5 * 4))
        alike = grey.describe([encoded.image]) @ grey.describe([town.database.open_image(r) for r in range(48)]).T
        np.testing.assert_allclose(asked.similarity[row], np.sort(alike[0])[::-1][:5], atol=2e-3)
        first = int(np.argmax(alike[0]))
        metres = abs(town.database.column("lat")[first] - town.queries.column("lat")[row]) * 111_200
        assert asked.first_right[row] == (metres <= 25)
    assert asked.groups.tolist() == town.queries.groups().tolist() and asked.on_map.all()


def test_around_absent_queries_the_map_is_taken_away(town: Places) -> None:
    cases = Protocol().cases(town)
    questions = _questions(cases, Terms(absent=0.25, within_m=25.0))
    assert questions.absent is not None and questions.excluded is not None
    assert len(np.unique(questions.queries.groups()[questions.absent])) == 12
    lat, database = questions.queries.column("lat"), town.database.column("lat")
    for row, absent in enumerate(questions.absent):
        metres = np.abs(database - lat[row]) * 111_270
        around = np.flatnonzero(metres <= ABSENT_RADIUS * 25).tolist()
        assert questions.excluded[row].tolist() == (around if absent else [])


@pytest.mark.parametrize("views", [1, 2, 9, None])
def test_so_many_views_of_each_panorama_are_asked(town: Places, views: int | None) -> None:
    cases = Protocol(name="leave-panorama-out").cases(town)
    fewer = _fewer(cases, Terms(views=views))
    _, count = np.unique(fewer.queries.groups(), return_counts=True)
    assert sorted(count) == [min(views or 9, n) for n in sorted([1] * 48 + [2] * 48)]  # a database panorama has one
    assert fewer.excluded is not None and cases.excluded is not None
    for image, positives, excluded in zip(fewer.queries.images, fewer.positives, fewer.excluded, strict=True):
        row = cases.queries.images.index(image)
        assert positives.tolist() == cases.positives[row].tolist()
        assert excluded.tolist() == cases.excluded[row].tolist()


def test_from_pictures_to_a_calibration_and_its_honesty(
    town: Places, grey: Any, make_grey: Callable[..., Any], tmp_path: Path
) -> None:
    points = [Quality.parse(text) for text in QUALITIES]
    terms = Terms(candidates=6, wrong_at_most=0.3, confidence=0.8, absent=0.1)
    found = calibrate(grey, grey, town, points, terms, cache=tmp_path / "cache")
    assert [point.quality for point in found.curve] == QUALITIES
    assert found.curve[2].n_bytes and found.curve[1].n_bytes is None
    assert found.made_from["panoramas"] == 48 and found.made_from["places"] == town.digest
    described = grey.described
    assert calibrate(grey, grey, town, points, terms, cache=tmp_path / "cache") == found
    assert grey.described == described  # all of it was kept
    built = Map.build(grey, town.database, tmp_path / "map")
    with pytest.raises(LofiError, match="expected a calibrated map"):
        honesty(built, grey, town.queries, QUALITIES)
    found.write(built.calibration_path)
    opened = Map.open(tmp_path / "map")
    table = honesty(opened, grey, town.queries, QUALITIES, town.queries.select(np.arange(6)))
    assert [row.quality for row in table.rows] == [*QUALITIES, "mix"] and table.rows[0].right > 60
    fix = opened.locate(grey, town.root / town.queries.images[0])
    assert fix.probability is not None and fix.within_m == 25
    student = make_grey("student", teacher="grey0")
    with pytest.raises(LofiError, match="expected the models of the calibration"):
        honesty(opened, student, town.queries, QUALITIES)


def test_mistakes_are_told(town: Places, grey: Any) -> None:
    with pytest.raises(LofiError, match="at least one quality"):
        calibrate(grey, grey, town, [])
    without = Places.from_table(town.root, town.table.select(["image", "role"]))
    with pytest.raises(LofiError, match="position"):
        calibrate(grey, grey, without, [Quality.RAW])
