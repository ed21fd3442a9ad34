"""What fewer bits cost, measured on the map itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from lofivpr.maps.manifest import Loss
from lofivpr.maps.rows import ArrayRows, Rows
from lofivpr.maps.shelf import Found
from lofivpr.places import Places, Positives
from lofivpr.search import nearest

QUERIES = 256
SEED = 0
MOST_EXCLUDED = 1024
"""A picture of a larger panorama is not asked."""


def sampled_queries(places: Places, count: int = QUERIES) -> tuple[np.ndarray, list[np.ndarray]]:
    """Rows to ask, int64, and for each the rows of its own panorama (itself among them), which may not answer."""
    names = places.table["panorama"].combine_chunks()
    codes = names.dictionary_encode().indices.fill_null(-1).to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable").astype(np.int64)
    ordered = codes[order]
    chosen = np.sort(np.random.default_rng(SEED).choice(len(places), min(count, len(places)), replace=False))
    rows, excluded = [], []
    for row in chosen:
        own = order[slice(*np.searchsorted(ordered, [codes[row], codes[row] + 1]))] if codes[row] >= 0 else row[None]
        if len(own) <= min(MOST_EXCLUDED, len(places) - 1):
            rows.append(int(row))
            excluded.append(np.sort(own))
    return np.array(rows, np.int64), excluded


def measure_loss(
    places: Places,
    queries: np.ndarray,
    rows: np.ndarray,
    excluded: list[np.ndarray],
    exact: np.ndarray,
    search: Callable[[np.ndarray, int], Found],
    radius_m: float = 25.0,
) -> Loss:
    """Compare the first places that `search` finds with the `exact` ones.

    Args:
        places: N places, counted as `search` counts rows.
        queries: float32 Q x D, the descriptors of `rows` as the model made them.
        rows, excluded: from `sampled_queries`.
        exact: int64 Q, the first place of each by float32.
        search: queries and k to rows and distances, Q x k.
    """
    if not len(rows):
        return Loss(queries=0, agreement=100.0, radius_m=radius_m)
    found = search(queries, 1 + max(map(len, excluded)))[1]
    first = first_other(found, excluded)
    positives = Positives("metres", radius_m).find(places.select(rows), places)
    others = [np.setdiff1d(one, out) for one, out in zip(positives, excluded, strict=True)]
    asked = np.array([len(one) > 0 for one in others])
    right, right_exact = (
        np.array([row in one for row, one in zip(answer, others, strict=True)])[asked] for answer in (first, exact)
    )
    return Loss(
        queries=len(rows),
        agreement=100 * float((first == exact).mean()),
        recall=100 * float(right.mean()) if asked.any() else None,
        recall_exact=100 * float(right_exact.mean()) if asked.any() else None,
        radius_m=radius_m,
    )


def exact_first(rows: Rows, wanted: np.ndarray, excluded: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Descriptors (float32 Q x D) of usable rows `wanted`, and the first other place of each (int64 Q) by float32."""
    usable = np.flatnonzero(rows.ok)
    queries = rows.rows(usable[wanted])
    database: Any = rows.array if isinstance(rows, ArrayRows) else rows
    first = nearest(queries, database, 1, [usable[out] for out in excluded]).indices[:, 0]
    return queries, np.searchsorted(usable, first)


def first_other(found: np.ndarray, excluded: list[np.ndarray]) -> np.ndarray:
    """The first of each row of `found` (int64 Q x k) that is not excluded, int64 Q."""
    own = np.stack([np.isin(one, out) for one, out in zip(found, excluded, strict=True)])
    return np.take_along_axis(found, np.argmin(own, axis=1)[:, None], axis=1)[:, 0]
