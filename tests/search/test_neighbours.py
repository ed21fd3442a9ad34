from __future__ import annotations

import numpy as np
import pytest

from lofivpr.search import Neighbours

INF = np.inf


def make(indices: object, distances: object) -> Neighbours:
    return Neighbours(np.asarray(indices, np.int64), np.asarray(distances, np.float32))


def test_knows_its_size() -> None:
    found = make([[3, 1, -1], [0, -1, -1]], [[0.5, 0.5, INF], [2, INF, INF]])
    assert len(found) == 2 and found.k == 3


@pytest.mark.parametrize(
    ("indices", "distances", "message"),
    [
        ([1, 2], [0, 1], "Q x k"),
        ([[1, 2]], [[0]], "Q x k"),
        ([[1, -1]], [[0, 1]], "exactly where"),
        ([[1, 2]], [[0, INF]], "exactly where"),
        ([[1, -2]], [[0, INF]], "below -1"),
        ([[1, 2]], [[1, 0.5]], "do not decrease"),
        ([[1, 2]], [[1, np.nan]], "do not decrease"),
    ],
)
def test_refuses_nonsense(indices: object, distances: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make(indices, distances)


def test_refuses_other_number_formats() -> None:
    with pytest.raises(ValueError, match="expected int64 and float32"):
        Neighbours(np.zeros((1, 1), np.int32), np.zeros((1, 1), np.float32))
    with pytest.raises(ValueError, match="expected int64 and float32"):
        Neighbours(np.zeros((1, 1), np.int64), np.zeros((1, 1)))
