"""Draws against what they promise: fixed by the seed, dealt evenly, each in its turn."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.places import Places
from lofivpr.quality import QualityError
from lofivpr.training import Recipe
from lofivpr.training.draws import Draws

POINTS = ["raw", "16p", "48p/jpeg:2", "48p/jpeg:50", "32p/h264:qp40"]


def _recipe(qualities: list[str], *settings: str) -> Recipe:
    values = ", ".join(f"'{quality}'" for quality in qualities)
    return Recipe.load("all-qualities").with_settings([f"qualities=[{values}]", *settings])


@given(length=st.integers(1, 5), draws=st.integers(1, 12), seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_entries_are_dealt_evenly(length: int, draws: int, seed: int, places: Places) -> None:
    found = Draws(_recipe(POINTS[:length], f"draws={draws}", f"seed={seed}"), places)
    table = [[str(quality) for quality in found.of(row)] for row in range(len(places))]
    for qualities in table:
        counts = [qualities.count(point) for point in POINTS[:length]]
        assert len(qualities) == draws and max(counts) - min(counts) <= 1
    for column in zip(*table, strict=True):
        counts = [column.count(point) for point in POINTS[:length]]
        assert max(counts) - min(counts) <= 1


def test_draws_hang_on_the_seed_alone(places: Places) -> None:
    ladder = ["48p/jpeg:5..50", "16p"]
    forth = [Draws(_recipe(ladder), places).of(row) for row in range(len(places))]
    back = Draws(_recipe(ladder, "epochs=9", "batch_size=7"), places)
    assert forth == [back.of(row) for row in reversed(range(len(places)))][::-1]
    other = Draws(_recipe(ladder, "seed=1"), places)
    assert forth != [other.of(row) for row in range(len(places))]


def test_more_draws_begin_with_the_same(places: Places) -> None:
    few, many = (Draws(_recipe(["48p/jpeg:5..50", "16p"], f"draws={k}"), places) for k in (3, 9))
    assert all(many.of(row)[:3] == few.of(row) for row in range(len(places)))


@given(draws=st.integers(1, 9), cycle=st.integers(0, 5), seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=30)
def test_in_each_cycle_each_draw_has_its_turn_once(draws: int, cycle: int, seed: int, places: Places) -> None:
    found = Draws(_recipe(POINTS, f"draws={draws}", f"seed={seed}"), places)
    numbers = [found.number(turn) for turn in range(cycle * draws, (cycle + 1) * draws)]
    assert sorted(numbers) == list(range(draws))


def test_the_order_of_turns_differs_between_cycles(places: Places) -> None:
    found = Draws(_recipe(POINTS), places)
    orders = {tuple(found.number(8 * cycle + place) for place in range(8)) for cycle in range(20)}
    assert len(orders) == 20


def test_ranges_are_drawn_whole_and_never_above_the_picture(tmp_path: Path) -> None:
    for row in range(60):
        cv2.imwrite(str(tmp_path / f"{row:02d}.png"), np.zeros(((40, 90)[row % 2], 120, 3), np.uint8))
    places = Places.open(tmp_path)
    found = Draws(_recipe(["30p..80p/jpeg:5..9"]), places)
    heights: dict[int, Counter[int | None]] = {0: Counter(), 1: Counter()}
    values: Counter[int | None] = Counter()
    for row in range(60):
        for quality in found.of(row):
            heights[row % 2][quality.height] += 1
            values[quality.value] += 1
    assert set(heights[0]) == set(range(30, 41)) and max(map(int, heights[1])) <= 80  # type: ignore[arg-type]
    assert len(heights[1]) > 45 and set(values) == {5, 6, 7, 8, 9}
    assert max(values.values()) < 2 * min(values.values())


def test_even_the_lowest_height_above_the_picture_is_an_error(places: Places) -> None:
    with pytest.raises(QualityError, match="never enlarges"):
        Draws(_recipe(["100p..120p"]), places).of(0)
