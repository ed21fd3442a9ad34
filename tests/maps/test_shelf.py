from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lofivpr.maps import codes
from lofivpr.maps.manifest import Manifest
from lofivpr.maps.map import Map
from lofivpr.maps.rows import ArrayRows
from lofivpr.maps.segment import SegmentReader
from lofivpr.maps.shelf import Shelf, merge

N, D = 150, 12


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory, places_of, unit_rows) -> tuple[Shelf, np.ndarray]:  # type: ignore[no-untyped-def]
    """Three segments of blocks of ten rows, a third of the rows equal to others; and what they hold."""
    folder, rows = tmp_path_factory.mktemp("shelf"), unit_rows(100, D)
    rows = np.concatenate([rows, rows[:50]])
    readers = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(codes, "BLOCK_BYTES", 10 * 2 * D)
        for number, part in enumerate(np.split(np.arange(N), [35, 110])):
            out = folder / str(number)
            Map.from_rows(ArrayRows(rows[part]), places_of(len(part)), out, model="m", model_digest="d")
            readers.append(SegmentReader(out, Manifest.read(out).segments[0]))
    shelf = Shelf(readers)
    assert len(shelf) == N and len(shelf._blocks) == 4 + 8 + 4
    return shelf, rows.astype(np.float16).astype(np.float32)


@given(
    seed=st.integers(0, 10**6),
    k=st.integers(1, 170),
    share=st.sampled_from([None, 0, 0.1, 0.9]),
    first=st.integers(0, N),
)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_nearest_of_all_blocks(shelf, seed: int, k: int, share: float | None, first: int) -> None:  # type: ignore[no-untyped-def]
    made, rows = shelf
    rng = np.random.default_rng(seed)
    queries = rng.normal(size=(3, D)).astype(np.float32)
    wanted = None if share is None else rng.random(N) < share
    may = (np.ones(N, bool) if wanted is None else wanted) & (np.arange(N) >= first)
    distances, found = made.nearest(queries, k, wanted, first)
    assert found.shape == distances.shape == (3, k)
    for query, far, one in zip(queries, distances, found, strict=True):
        exact = ((query.astype(np.float64) - rows) ** 2).sum(axis=1)
        count = min(k, int(may.sum()))
        assert len(set(one[:count])) == count and may[one[:count]].all() and (one[count:] == -1).all()
        np.testing.assert_allclose(far[:count], np.sort(exact[may])[:count], rtol=1e-4)
        np.testing.assert_allclose(far[:count], exact[one[:count]], rtol=1e-4)
        ties = far[:count][1:] == far[:count][:-1]
        assert (one[:count][1:] > one[:count][:-1])[ties].all()
        assert np.isinf(far[count:]).all()


def test_decoding_takes_rows_of_any_block(shelf) -> None:  # type: ignore[no-untyped-def]
    made, rows = shelf
    wanted = np.array([149, 0, 34, 35, 109, 110, 0])
    np.testing.assert_array_equal(made.decode(wanted), rows[wanted])


def test_rescoring_orders_candidates(shelf) -> None:  # type: ignore[no-untyped-def]
    made, rows = shelf
    queries = rows[[4, 120]] + np.float32(0.01)
    candidates = np.array([[9, 4, -1, 140], [-1, -1, 7, -1]])
    distances, found = made.rescore(queries, candidates, 3)
    order = sorted([9, 4, 140], key=lambda row: ((queries[0] - rows[row]) ** 2).sum())
    assert found.tolist() == [order, [7, -1, -1]]
    np.testing.assert_allclose(distances[0], [((queries[0] - rows[row]) ** 2).sum() for row in order], rtol=1e-5)
    assert made.rescore(queries, np.full((2, 4), -1), 2)[1].tolist() == [[-1, -1], [-1, -1]]


def test_merging_takes_the_nearest_of_all() -> None:
    one = (np.array([[1.0, 3.0]], np.float32), np.array([[5, 1]]))
    two = (np.array([[1.0, np.inf]], np.float32), np.array([[2, -1]]))
    distances, rows = merge([one, two], 3)
    assert rows.tolist() == [[2, 5, 1]] and distances.tolist() == [[1, 1, 3]]


def test_threads_and_one_thread_find_the_same(shelf) -> None:  # type: ignore[no-untyped-def]
    made, rows = shelf
    distances, found = made.nearest(rows[:20], 3)
    for query, far, one in zip(rows[:20], distances, found, strict=True):
        alone = made.nearest(query[None], 3)
        np.testing.assert_array_equal(alone[1][0], one)
        np.testing.assert_array_equal(alone[0][0], far)
