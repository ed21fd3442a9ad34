from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lofivpr.maps.info import joined
from lofivpr.maps.loss import exact_first, first_other, measure_loss, sampled_queries
from lofivpr.maps.manifest import Loss
from lofivpr.maps.rows import ArrayRows
from lofivpr.places import Places
from lofivpr.places.geodesy import GEOD

Make = Callable[..., Places]


def test_a_query_may_not_find_its_own_panorama(places_of: Make) -> None:
    places = places_of(100)
    rows, excluded = sampled_queries(places, 30)
    assert len(rows) == len(set(rows.tolist())) == 30 and (np.diff(rows) > 0).all()
    names = places.column("panorama")
    for row, out in zip(rows, excluded, strict=True):
        assert out.tolist() == [other for other in range(100) if names[other] == names[row]]


def test_without_panoramas_a_query_leaves_out_itself(places_of: Make) -> None:
    places = places_of(9).with_column("panorama", [None, "a", "a", *[None] * 6])
    rows, excluded = sampled_queries(places)
    assert rows.tolist() == list(range(9))
    assert [out.tolist() for out in excluded] == [[0], [1, 2], [1, 2], [3], [4], [5], [6], [7], [8]]
    assert len(sampled_queries(places_of(1))[0]) == 0, "nobody else could answer"


def slowly(places: Places, rows: np.ndarray, kept: np.ndarray, asked: Any, excluded: Any) -> tuple[float, float, float]:
    """Agreement, recall and exact recall in percent, by loops over geodesic distances."""
    lat, same, right, right_exact = places.column("lat"), [], [], []
    for row, out in zip(asked, excluded, strict=True):
        others = [other for other in range(len(places)) if other not in out]
        first = {
            name: min(others, key=lambda other, values=values: float(((rows[row] - values[other]) ** 2).sum()))
            for name, values in (("kept", kept), ("exact", rows))
        }
        near = [other for other in others if GEOD.inv(4.0, lat[row], 4.0, lat[other])[2] <= 25]
        same.append(first["kept"] == first["exact"])
        if near:
            right.append(first["kept"] in near)
            right_exact.append(first["exact"] in near)
    return 100 * np.mean(same), 100 * np.mean(right), 100 * np.mean(right_exact)


@pytest.mark.parametrize("noise", [0.0, 0.1, 1.0])
def test_the_loss_is_that_of_a_slow_comparison(places_of: Make, unit_rows: Any, noise: float) -> None:
    places, rng = places_of(90), np.random.default_rng(1)
    walk = np.cumsum(rng.normal(size=(90, 8)), axis=0)  # neighbours resemble each other
    rows = (walk / np.linalg.norm(walk, axis=1, keepdims=True)).astype(np.float32)
    kept = rows + (noise * rng.normal(size=rows.shape)).astype(np.float32)
    asked, excluded = sampled_queries(places, 40)
    queries, exact = exact_first(ArrayRows(rows), asked, excluded)
    np.testing.assert_array_equal(queries, rows[asked])

    def search(asking: np.ndarray, k: int) -> tuple[np.ndarray, np.ndarray]:
        distances = ((asking[:, None] - kept) ** 2).sum(axis=2)
        order = np.argsort(distances, axis=1)[:, :k]
        return np.take_along_axis(distances, order, axis=1), order

    loss = measure_loss(places, queries, asked, excluded, exact, search)
    assert loss.queries == 40
    expected = slowly(places, rows, kept, asked, excluded)
    assert (loss.agreement, loss.recall, loss.recall_exact) == pytest.approx(expected)
    assert loss.points == pytest.approx(expected[2] - expected[1])
    assert noise or loss.agreement == 100


def test_where_no_place_is_near_there_is_no_recall(places_of: Make, unit_rows: Any) -> None:
    places, rows = places_of(12), unit_rows(12)
    asked, excluded = sampled_queries(places)
    queries, exact = exact_first(ArrayRows(rows), asked, excluded)
    order = np.argsort(((queries[:, None] - rows) ** 2).sum(axis=2), axis=1)
    loss = measure_loss(places, queries, asked, excluded, exact, lambda q, k: (q, order[:, :k]), radius_m=5)
    assert loss.recall is None and loss.points is None and loss.agreement == 100


def test_skipped_rows_are_left_aside(unit_rows: Any) -> None:
    class Some(ArrayRows):
        @property
        def ok(self) -> np.ndarray:
            return np.arange(len(self)) % 4 != 1

        array: np.ndarray

    rows = unit_rows(40)
    usable = np.flatnonzero(Some(rows).ok)
    asked, excluded = np.array([0, 5]), [np.array([0]), np.array([5, 6])]
    queries, first = exact_first(ArrayRows(rows[usable]), asked, excluded)
    again = exact_first(Some(rows), asked, excluded)
    np.testing.assert_array_equal(again[0], queries)
    exact = ((queries[:, None] - rows[usable]) ** 2).sum(axis=2)
    for one, out in zip(exact, excluded, strict=True):
        one[out] = np.inf
    assert first.tolist() == exact.argmin(axis=1).tolist()


def test_the_first_that_is_not_excluded() -> None:
    found = np.array([[4, 2, 7], [1, 0, 3]])
    assert first_other(found, [np.array([2, 4]), np.array([9])]).tolist() == [7, 1]


def test_losses_are_joined_by_their_queries() -> None:
    one, two = Loss(queries=30, agreement=90, recall=50, recall_exact=60), Loss(queries=10, agreement=50)
    joint = joined([one, None, two])
    assert joint is not None and joint.queries == 40 and joint.agreement == 80
    assert joint.recall == 50 and joint.points == 10
    assert joined([None]) is None
