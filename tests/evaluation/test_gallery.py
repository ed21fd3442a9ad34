from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lofivpr.evaluation import Results
from lofivpr.evaluation.filmstrip import filmstrip
from lofivpr.evaluation.gallery import SHOWN, gallery, query_kinds
from lofivpr.evaluation.story import Focus, Side, find_focus
from lofivpr.evaluation.street_map import query_map, spread


@pytest.fixture(scope="module")
def focus(compared: Results) -> Focus:
    found = find_focus(compared)
    assert found is not None and found.is_pair
    return found


def test_kinds_by_first_place(make_results: Callable[..., Results]) -> None:
    ranks = {("t", "60p"): [1, 2, 1, 0, -1], ("s", "60p"): [1, 1, 2, 3, 1]}
    results = make_results(ranks, {}, {"s": "t"})
    kinds = query_kinds(results, Focus(Side("t", "60p"), Side("s", "60p"), "60p"))
    assert {kind: numbers.tolist() for kind, numbers in kinds.items()} == {
        "both right": [0],
        "fixed": [1],
        "broken": [2],
        "both wrong": [3],
    }


def test_cases_show_what_was_really_retrieved(compared: Results, focus: Focus) -> None:
    scene, kinds = compared.scene, query_kinds(compared, focus)
    cases = gallery(compared, focus)
    for kind, most in SHOWN.items():
        assert sum(case.kind == kind for case in cases) == min(most, len(kinds[kind]))
    for case in cases:
        query = scene.query_images.index(case.query)
        assert query in kinds[case.kind]
        for answer in case.answers:
            outcome = compared.outcomes[answer.side.model, answer.side.quality]
            assert answer.rank == outcome.ranks[query]
            for hit in answer.retrieved:
                assert scene.database_images[outcome.indices[query, hit.rank - 1]] == hit.image
                assert hit.right == (hit.metres <= 25)  # the rule of the evaluation
                assert hit.caption == f"{hit.metres:.0f} m"
        first = [answer.retrieved[0].right for answer in case.answers]
        expected = {"fixed": [False, True], "broken": [True, False], "both wrong": [False, False]}
        assert first == expected[case.kind]


def test_the_seed_decides_the_draw(compared: Results, focus: Focus) -> None:
    assert gallery(compared, focus, seed=3) == gallery(compared, focus, seed=3)
    drawn = {tuple(case.query for case in gallery(compared, focus, seed=seed)) for seed in range(4)}
    assert len(drawn) > 1


def test_pictures_that_are_gone_are_passed_over(compared: Results, focus: Focus, tmp_path: Path) -> None:
    moved = replace(compared, scene=replace(compared.scene, root=tmp_path))
    assert gallery(moved, focus) == [] and filmstrip(moved, focus) == []


def test_the_filmstrip_shows_every_quality(compared: Results, focus: Focus) -> None:
    frames = filmstrip(compared, focus)
    assert [frame.quality for frame in frames] == compared.qualities
    assert frames[0].note == "96 × 72" and "dB" in frames[2].note and " B" in frames[2].note
    assert all(set(frame.ranks) == {"teacher", "student"} for frame in frames)


def test_the_map_draws_each_query_once(compared: Results, focus: Focus) -> None:
    figure = query_map(compared, focus)
    assert figure is not None
    database, *kinds = figure.axes[0].collections
    assert len(database.get_offsets()) == 12 and sum(len(k.get_offsets()) for k in kinds) == 24


def test_no_map_without_positions(make_results: Callable[..., Results]) -> None:
    results = make_results({("t", "60p"): [1], ("s", "60p"): [1]}, {}, {"s": "t"})
    assert query_map(results, Focus(Side("t", "60p"), Side("s", "60p"), "60p")) is None


def test_points_on_one_spot_are_spread_and_others_stay() -> None:
    moved = spread(np.array([[0.0, 0], [0, 0.01], [5, 5]]), 1.0)
    assert moved[2].tolist() == [5, 5]
    assert np.hypot(*(moved[0] - moved[1])) == pytest.approx(2, abs=0.05)
