"""Published curves: as they were read, and drawn beside a study's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from lofivpr.studies import Findings, StudyError
from lofivpr.studies.figure4 import figure4
from lofivpr.studies.published_curves import Curves, PublishedCurves, published_names

QPS = (48, 45, 42, 39, 36, 33, 30)


@pytest.mark.parametrize("name", published_names())
def test_curves_have_a_source_and_seven_points(name: str) -> None:
    curves = PublishedCurves.load(name)
    assert "arXiv 2310.06906 v1" in curves.source and "digitised" in curves.source
    for panel in curves.panels.values():
        assert len(panel.kbytes_per_second) == len(QPS)
        assert list(panel.kbytes_per_second) == sorted(panel.kbytes_per_second)
        assert set(panel.about) <= set(panel.recall)
        for line in panel.recall.values():
            assert all(value is None or 0 <= value <= 100 for value in line)


def test_what_the_paper_claims_is_in_its_curves() -> None:
    panels = PublishedCurves.load("v1-figure-4").panels
    low, high = panels["203p"].recall, panels["405p"].recall
    assert low["mse"][-1] == low["mse+ickd"][-1] == 47 and low["teacher"][-1] == 23  # doubled, by MSE alone
    gains = [(a or 0) - (b or 0) for a, b in zip(high["mse+ickd"], high["mse"], strict=True)]
    assert gains[-3:] == [5, 4, 4]
    assert all((high["teacher"][i] or 0) >= (high["mse+ickd"][i] or 0) for i in range(3))  # QP 48, 45, 42
    assert panels["203p"].points("mse") == ([2.1, 4.0, 5.4, 8.2, 12.0, 18.2], [3, 26, 35, 47, 51, 47])


def test_published_curves_are_drawn_on_demand(finished: tuple[Path, Findings]) -> None:
    panels = finished[1].panels
    curves = PublishedCurves.load("v1-figure-4")
    alone, beside = figure4(panels, 1.0), figure4(panels, 1.0, curves)
    assert alone is not None and beside is not None and len(beside.axes) == len(alone.axes) + 2
    axes = beside.axes[-1]
    assert "405p" in axes.get_title(loc="left") and "published" in axes.get_title(loc="left")
    drawn = {tuple(line.get_ydata()) for line in axes.get_lines()}
    assert drawn == {tuple(curves.panels["405p"].recall[name]) for name in ("teacher", "mse", "mse+ickd")}
    colours = [line.get_color() for line in axes.get_lines()]
    assert (
        colours == [line.get_color() for line in alone.axes[0].get_lines() if not line.get_label().startswith("_")][:3]
    )


def test_lines_of_another_length_and_unknown_names_are_refused() -> None:
    with pytest.raises(ValidationError, match="a recall, or null, for each"):
        Curves(kbytes_per_second=(1.0, 2.0), recall={"mse": (5.0,)})
    with pytest.raises(StudyError, match="out of v1-figure-4, found 'v9'"):
        PublishedCurves.load("v9")
