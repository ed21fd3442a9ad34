from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.search import nearest

MODULE = sys.modules[nearest.__module__]  # `lofivpr.search.nearest` is the function
Excluded = Sequence[np.ndarray] | None


def brute_force(
    queries: np.ndarray, database: np.ndarray, k: int, excluded: Excluded = None
) -> tuple[np.ndarray, np.ndarray]:
    """Every pair in float64, one at a time; Python sorts by (distance, index)."""
    indices, distances = np.full((len(queries), k), -1), np.full((len(queries), k), np.inf)
    for q, query in enumerate(queries.astype(np.float64)):
        out = set() if excluded is None else {int(i) for i in excluded[q]}
        pairs = [(float(((query - row) ** 2).sum()), i) for i, row in enumerate(database) if i not in out]
        for place, (distance, index) in enumerate(sorted(pairs)[:k]):
            indices[q, place], distances[q, place] = index, distance
    return indices, distances


def unit(rng: np.random.Generator, n: int, d: int) -> np.ndarray:
    values = rng.normal(size=(n, d))
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32)


@st.composite
def small_integers(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray, int, list[np.ndarray]]:
    """Few small integers: float32 is exact on them, and ties abound."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    q, n, d = draw(st.integers(1, 30)), draw(st.integers(1, 90)), draw(st.integers(1, 20))
    spread = draw(st.integers(1, 3))
    queries, database = (rng.integers(0, spread + 1, (m, d)).astype(np.float32) for m in (q, n))
    excluded = [rng.integers(0, n, rng.integers(0, min(n, 12) + 1)) for _ in range(q)]
    return queries, database, draw(st.integers(1, n + 3)), excluded


class TestExactly:
    @settings(max_examples=80, deadline=None)
    @given(small_integers(), st.none() | st.integers(1, 40), st.booleans())
    def test_as_brute_force_with_ties_chunks_and_exclusion(
        self, case: tuple, chunk_rows: int | None, exclude: bool
    ) -> None:
        queries, database, k, lists = case
        excluded = lists if exclude else None
        found = nearest(queries, database, k, excluded, chunk_rows)
        indices, distances = brute_force(queries, database, k, excluded)
        np.testing.assert_array_equal(found.indices, indices)
        np.testing.assert_array_equal(found.distances, distances)

    @pytest.mark.parametrize("queries", [1, 19, 20, 60])
    @pytest.mark.parametrize("threshold", [1, 10**9])
    def test_on_unit_vectors(self, queries: int, threshold: int, monkeypatch: pytest.MonkeyPatch) -> None:
        """Both of FAISS's ways: the matrix product, and pair by pair."""
        monkeypatch.setattr(faiss.cvar, "distance_compute_blas_threshold", threshold)
        rng = np.random.default_rng(queries)
        q, d = unit(rng, queries, 96), unit(rng, 500, 96)
        found = nearest(q, d, 10)
        indices, distances = brute_force(q, d, 10)
        np.testing.assert_array_equal(found.indices, indices)
        np.testing.assert_allclose(found.distances, distances, rtol=1e-5)
        assert found.indices.dtype == np.int64 and found.distances.dtype == np.float32

    def test_where_a_matrix_product_rounds_everything_away(self) -> None:
        """Far from the origin |q|^2 + |d|^2 - 2 q.d loses all digits of the distance."""
        rng = np.random.default_rng(5)
        q, d = (4096 + rng.integers(0, 3, (n, 64)).astype(np.float32) for n in (30, 300))
        rough, _ = faiss.knn(q, d, 7)
        assert (abs(rough - brute_force(q, d, 7)[1]) > 5).any(), "nothing was rounded away"
        found = nearest(q, d, 7)
        indices, distances = brute_force(q, d, 7)
        np.testing.assert_array_equal(found.indices, indices)
        np.testing.assert_array_equal(found.distances, distances)

    @pytest.mark.parametrize("queries", [1, 40])
    def test_equal_rows_go_by_index_however_many(self, queries: int) -> None:
        rng = np.random.default_rng(0)
        row, q = unit(rng, 1, 333), unit(rng, queries, 333)
        database = np.concatenate([unit(rng, 50, 333) - 5, np.repeat(row, 400, axis=0)])
        found = nearest(q, database, 20)
        np.testing.assert_array_equal(found.indices, np.tile(np.arange(50, 70), (queries, 1)))
        assert (found.distances == found.distances[:, :1]).all()

    def test_a_copy_is_at_distance_zero(self) -> None:
        d = unit(np.random.default_rng(1), 200, 1000)
        found = nearest(d, d, 1)
        np.testing.assert_array_equal(found.indices[:, 0], np.arange(200))
        assert (found.distances == 0).all()


class TestProperties:
    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(1, 200), st.integers(1, 60))
    def test_chunks_do_not_matter_to_the_last_bit(self, seed: int, chunk_rows: int, k: int) -> None:
        rng = np.random.default_rng(seed)
        d = unit(rng, 150, 77)
        d = np.concatenate([d, d[rng.integers(0, 150, 40)]])
        q = np.concatenate([unit(rng, 25, 77), d[:5]])
        one, many = nearest(q, d, k), nearest(q, d, k, chunk_rows=chunk_rows)
        np.testing.assert_array_equal(one.indices, many.indices)
        np.testing.assert_array_equal(one.distances, many.distances)

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_an_order_of_the_database_only_renames_rows(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        q, d = unit(rng, 30, 50), unit(rng, 120, 50)
        order = rng.permutation(120)
        plain, mixed = nearest(q, d, 9), nearest(q, d[order], 9)
        np.testing.assert_array_equal(order[mixed.indices], plain.indices)
        np.testing.assert_array_equal(mixed.distances, plain.distances)

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(1, 30))
    def test_a_query_does_not_depend_on_the_others(self, seed: int, few: int) -> None:
        rng = np.random.default_rng(seed)
        q, d = unit(rng, 30, 50), unit(rng, 120, 50)
        together, alone = nearest(q, d, 9), nearest(q[:few], d, 9)
        np.testing.assert_array_equal(together.indices[:few], alone.indices)
        np.testing.assert_array_equal(together.distances[:few], alone.distances)

    @settings(max_examples=15, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(1, 12))
    def test_exclusion_is_search_without_those_rows(self, seed: int, groups: int) -> None:
        """Leave-panorama-out: what is found is what a database without the panorama gives."""
        rng = np.random.default_rng(seed)
        d, group = unit(rng, 100, 30), rng.integers(0, groups, 100)
        excluded = [np.flatnonzero(group == one) for one in group]
        found = nearest(d, d, 15, excluded)
        for i in range(0, 100, 7):
            rest = np.flatnonzero(group != group[i])
            alone = nearest(d[i : i + 1], d[rest], 15) if len(rest) else None
            expected = np.full(15, -1) if alone is None else np.append(rest, -1)[alone.indices[0]]
            np.testing.assert_array_equal(found.indices[i], expected)

    def test_more_queries_than_are_compared_at_a_time(self, monkeypatch: pytest.MonkeyPatch) -> None:
        rng = np.random.default_rng(3)
        q, d = unit(rng, 50, 20), unit(rng, 80, 20)
        excluded = [rng.integers(0, 80, 5) for _ in q]
        expected = nearest(q, d, 4, excluded)
        monkeypatch.setattr(MODULE, "QUERY_ROWS", 7)
        found = nearest(q, d, 4, excluded, chunk_rows=33)
        np.testing.assert_array_equal(found.indices, expected.indices)


class TestPadding:
    def test_fewer_rows_than_k(self) -> None:
        found = nearest(np.zeros((2, 3)), np.eye(3), 5)
        np.testing.assert_array_equal(found.indices, [[0, 1, 2, -1, -1]] * 2)
        np.testing.assert_array_equal(found.distances, [[1, 1, 1, np.inf, np.inf]] * 2)

    def test_all_excluded_no_rows_or_no_queries(self) -> None:
        everything = nearest(np.zeros((2, 3)), np.eye(3), 2, [np.arange(3), np.array([0, 0, 2])])
        np.testing.assert_array_equal(everything.indices, [[-1, -1], [1, -1]])
        assert (nearest(np.zeros((2, 3)), np.empty((0, 3)), 2).indices == -1).all()
        assert nearest(np.empty((0, 3)), np.eye(3), 2).indices.shape == (0, 2)

    def test_excluded_lists_may_be_empty_lists(self) -> None:
        found = nearest(np.zeros((2, 3)), np.eye(3), 1, [[], [0]])  # type: ignore[list-item]
        np.testing.assert_array_equal(found.indices, [[0], [1]])


class TestInputs:
    def test_any_float_layout_and_read_only_memory(self) -> None:
        rng = np.random.default_rng(0)
        q, d = unit(rng, 25, 40), unit(rng, 60, 40)
        expected = nearest(q, d, 5)
        frozen = d.copy()
        frozen.setflags(write=False)
        for queries, database in [
            (q.astype(np.float64), d),
            (np.asfortranarray(q), np.asfortranarray(d)),
            (q[::1], np.repeat(d, 2, axis=0)[::2]),
            (q, frozen),
        ]:
            np.testing.assert_array_equal(nearest(queries, database, 5).indices, expected.indices)

    def test_inputs_are_not_written(self) -> None:
        rng = np.random.default_rng(0)
        q, d, excluded = unit(rng, 25, 8), unit(rng, 60, 8), [np.array([2, 1])] * 25
        copies = q.copy(), d.copy()
        nearest(q, d, 5, excluded)
        np.testing.assert_array_equal(q, copies[0])
        np.testing.assert_array_equal(d, copies[1])
        np.testing.assert_array_equal(excluded[0], [2, 1])

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((np.zeros((2, 3)), np.zeros((2, 4)), 1), "of one dimension, found 3 and 4"),
            ((np.zeros((2, 3)), np.zeros((2, 3)), 0), "k and chunk_rows of at least 1"),
            ((np.zeros((2, 3)), np.zeros((2, 3)), 1, None, 0), "k and chunk_rows of at least 1"),
            ((np.zeros(3), np.zeros((2, 3)), 1), "queries as rows"),
            ((np.zeros((2, 3)), np.zeros(3), 1), "database as rows"),
            ((np.full((2, 3), np.nan), np.zeros((2, 3)), 1), "finite queries"),
            ((np.zeros((2, 3)), np.full((2, 3), np.inf), 1), "finite database"),
            ((np.zeros((2, 3)), np.zeros((2, 3)), 1, [np.array([0])]), "for 2 queries, found 1"),
            ((np.zeros((1, 3)), np.zeros((2, 3)), 1, [np.array([2])]), "from 0 to 1, found 2"),
            ((np.zeros((1, 3)), np.zeros((2, 3)), 1, [np.array([-1])]), "found -1"),
        ],
    )
    def test_what_does_not_fit_is_refused(self, arguments: tuple, message: str) -> None:
        with pytest.raises(LofiError, match=message):
            nearest(*arguments)


def test_the_size_of_the_field_costs_little_more_than_its_matrix_product() -> None:
    """1700 queries, 1700 pictures of 7168 numbers: 0.35 s on two free cores, of which the product 0.25 s.

    Machines are shared, so the time is compared with that of the product, the best of two of each.
    """
    rng = np.random.default_rng(0)
    q, d = (rng.random((1700, 7168), np.float32) for _ in range(2))
    excluded = [np.arange(i // 12 * 12, min(i // 12 * 12 + 12, 1700)) for i in range(1700)]
    faiss.omp_set_num_threads(len(os.sched_getaffinity(0)))
    product = min(seconds(lambda: q @ d.T) for _ in range(2))
    search = min(seconds(lambda: nearest(q, d, 25, excluded)) for _ in range(2))
    faiss.omp_set_num_threads(1)
    assert search < 6 * product, f"{search:.2f} s, the product {product:.2f} s"


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
