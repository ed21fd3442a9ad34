from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.evaluation.recall import NS, first_correct, hits_matrix, recall_at


def slow_recall(indices: list[list[int]], positives: list[set[int]], n: int, drop: bool) -> float:
    """The definition, query by query."""
    found, asked = 0, 0
    for row, right in zip(indices, positives, strict=True):
        if drop and not right:
            continue
        asked += 1
        found += any(candidate in right for candidate in row[:n])
    return 100 * found / asked


@st.composite
def searches(draw: st.DrawFn) -> tuple[np.ndarray, list[np.ndarray]]:
    queries, size = draw(st.integers(1, 8)), draw(st.integers(1, 9))
    rows, positives = [], []
    for _ in range(queries):
        order = draw(st.permutations(range(size)))
        rows.append([*order, *[-1] * (25 - size)])
        positives.append(np.array(sorted(draw(st.sets(st.integers(0, size - 1)))), np.int64))
    if not any(len(p) for p in positives):
        positives[0] = np.array([0])
    return np.array(rows, np.int64), positives


@given(searches(), st.sampled_from(["miss", "drop"]))
def test_recall_is_the_slow_loop(case: tuple[np.ndarray, list[np.ndarray]], without: str) -> None:
    indices, positives = case
    found = recall_at(indices, positives, without_positives=without)
    assert tuple(found) == NS
    for n in NS:
        slow = slow_recall(indices.tolist(), [set(p.tolist()) for p in positives], n, without == "drop")
        assert found[n] == pytest.approx(slow)


def test_rank_two_is_not_recall_at_one() -> None:
    """A release counts >= on a rank from 0, so that its R@1 takes the second place too."""
    indices = np.array([[7, 3, *[-1] * 23]])
    found = recall_at(indices, [np.array([3])])
    assert found[1] == 0 and found[2] == 100
    assert first_correct(indices, [np.array([3])]).tolist() == [2]


def test_queries_without_positives_miss_or_are_dropped() -> None:
    indices = np.tile(np.arange(25), (4, 1))
    positives = [np.array([0]), np.array([3]), np.zeros(0, np.int64), np.zeros(0, np.int64)]
    assert recall_at(indices, positives, without_positives="miss")[1] == 25
    assert recall_at(indices, positives, without_positives="drop")[1] == 50


def test_padding_is_never_right() -> None:
    indices = np.full((1, 25), -1)
    assert recall_at(indices, [np.array([24])])[25] == 0


def test_hits_never_fall_with_n() -> None:
    rng = np.random.default_rng(0)
    indices = np.stack([rng.permutation(40)[:25] for _ in range(50)])
    hits = hits_matrix(indices, [np.sort(rng.permutation(40)[:2]) for _ in range(50)])
    assert (np.diff(hits.astype(int), axis=1) >= 0).all() and 0 < hits.mean() < 1


@pytest.mark.parametrize(
    ("indices", "positives", "without", "message"),
    [
        (np.zeros((2, 25), int), [np.array([0])], "miss", "one array of positives a query"),
        (np.zeros((1, 5), int), [np.array([0])], "miss", "at least 25 neighbours"),
        (np.zeros((1, 25), int), [np.array([0])], "ignore", "'miss' or 'drop'"),
        (np.zeros((1, 25), int), [np.zeros(0, int)], "drop", "at least one query with a positive"),
    ],
)
def test_refusals(indices: np.ndarray, positives: list[np.ndarray], without: str, message: str) -> None:
    with pytest.raises(LofiError, match=message):
        recall_at(indices, positives, without_positives=without)
