"""Heat of real models on a real town, against sums over pixels and the renderer's own masks."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from lofivpr.evaluation import Results
from lofivpr.media import open_image
from lofivpr.models import heatmap, load_describer
from lofivpr.places.town import Label
from lofivpr.quality import Quality
from lofivpr.studies import Findings
from lofivpr.studies.figure1 import figure1
from lofivpr.studies.figure6 import figure6
from lofivpr.studies.heat import HeatRow, drawn_pictures, heat_rows, to_csv, to_markdown
from lofivpr.studies.regions import INLIERS, inlier_points, regions_of
from lofivpr.studies.study import Heat, Town

Finished = tuple[Path, Findings]
TOWN = Town(pictures=64, size=(160, 120))
LOW = "60p/h265:qp48"
HEAT = Heat(quality=LOW, queries=5)


@pytest.fixture(scope="module")
def results(finished: Finished) -> Results:
    """The small study's, with its models."""
    out, findings = finished
    found = findings.panels[0].results
    return replace(found, describers={name: load_describer(out / "models" / name) for name in found.models})


@pytest.fixture(scope="module")
def rows(results: Results) -> list[HeatRow]:
    return heat_rows(results, HEAT, TOWN, seed=0)


@pytest.mark.parametrize("model", ["teacher", "mse+ickd"])
def test_the_share_on_facades_is_that_of_the_pixels(results: Results, rows: list[HeatRow], model: str) -> None:
    queries = drawn_pictures(results, 5, seed=0)
    regions = regions_of(results, queries, TOWN)
    shares = []
    for query, parts in zip(queries, regions, strict=True):
        sharp = open_image(results.scene.query_images[query], results.scene.root)
        seen = Quality.parse(LOW).encode(sharp).image
        heat = heatmap(results.describers[model], seen, "feature-norm", quality=Quality.parse(LOW))
        # Every pixel of the picture carries the heat of its cell.
        mask = parts["facade"].mask  # type: ignore[attr-defined]
        spread = cv2.resize(heat, (mask.shape[1] * 4, mask.shape[0] * 4), interpolation=cv2.INTER_NEAREST)
        large = np.kron(mask, np.ones((4, 4)))
        shares.append((spread * large).sum() / spread.sum())
    (row,) = [r for r in rows if (r.kind, r.region, r.model, r.quality) == ("feature-norm", "facade", model, LOW)]
    assert row.share.mean == pytest.approx(100 * np.mean(shares), abs=0.2)
    assert row.share.low <= row.share.mean <= row.share.high and row.share.pictures == 5


def test_the_regions_of_the_town_share_all_of_the_heat(rows: list[HeatRow]) -> None:
    names = {label.name.lower() for label in Label}
    for kind in ("feature-norm", "residual-energy"):
        mine = [row for row in rows if row.kind == kind and (row.model, row.quality) == ("teacher", "raw")]
        assert {"facade", "ground", "sky"} <= {row.region for row in mine}
        assert sum(row.share.mean * row.share.pictures / 5 for row in mine if row.region in names) == pytest.approx(100)


def test_differences_are_to_the_teacher_at_the_same_quality(rows: list[HeatRow]) -> None:
    table = {(row.kind, row.region, row.model, row.quality): row for row in rows}
    for (kind, region, model, quality), row in table.items():
        if model == "teacher":
            assert row.change is None
            continue
        assert quality == LOW and row.change is not None
        expected = row.share.mean - table[kind, region, "teacher", LOW].share.mean
        assert row.change.mean == pytest.approx(expected)


def test_photographs_have_the_verified_inliers_alone(results: Results) -> None:
    assert all(set(regions) <= {INLIERS} for regions in regions_of(results, [0, 1], None))


def test_inliers_are_where_the_sharp_query_matches_its_positives(results: Results) -> None:
    class Corner:
        """Matches every other picture in 30 points of the upper left corner, the rest in 20, which are too few."""

        name = "corner"

        def features(self, image: np.ndarray) -> int:
            seen.append(image)
            return len(seen)

        def inlier_points(self, a: int, b: int) -> np.ndarray:
            return np.full((30 if b % 2 else 20, 2), 4.0, np.float32)

    seen: list[np.ndarray] = []
    points, size = inlier_points(results, 0, Corner())
    sharp = open_image(results.scene.query_images[0], results.scene.root)
    assert np.array_equal(seen[0], sharp) and size == (160, 120)
    positives = set(results.scene.positives[0].tolist())
    found = [row for row in results.outcomes["teacher", "raw"].indices[0].tolist() if row in positives][:3]
    references = [open_image(results.scene.database_images[row], results.scene.root) for row in found]
    assert all(np.array_equal(a, b) for a, b in zip(seen[1:], references, strict=True))
    assert len(points) == 30 * sum(number % 2 for number in range(2, 2 + len(found)))


def test_the_tables_hold_the_rows(rows: list[HeatRow]) -> None:
    lines = list(csv.DictReader(io.StringIO(to_csv(rows))))
    assert len(lines) == len(rows) > 20
    for line, row in zip(lines, rows, strict=True):
        assert float(line["share"]) == row.share.mean and line["region"] == row.region
    text = to_markdown(rows)
    assert text.count("| teacher, `raw` |") == 2 and "facade (" in text


def test_figure_6_has_a_picture_for_every_setting(results: Results) -> None:
    figure = figure6(results, HEAT, seed=0)
    assert figure is not None and len(figure.axes) == 4 * (2 + len(results.models))
    titles = [axes.get_title() for axes in figure.axes[: 2 + len(results.models)]]
    assert titles == [LOW, "teacher, raw", *results.models]
    shown = [axes.get_images()[0].get_array() for axes in figure.axes]
    assert len({array.tobytes() for array in shown}) > 4 * 2


def test_figure_1_frames_right_and_wrong_answers(finished: Finished, town: Path) -> None:
    results = finished[1].panels[1].results
    figure = figure1(results, seed=0)
    assert figure is not None
    colours = {axes.spines["left"].get_edgecolor() for axes in figure.axes if axes.spines["left"].get_visible()}
    assert colours and len(figure.axes) % 6 == 0
