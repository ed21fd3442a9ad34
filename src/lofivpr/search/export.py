"""What was found, for other tools: pairs for matching (hloc, COLMAP), and a line of predictions a query."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.files import write_atomic


def hloc_pairs(queries: Sequence[str], database: Sequence[str], indices: np.ndarray, k: int) -> list[str]:
    """Lines `query database`, k for each query, nearest first, as hloc's `pairs.txt`.

    Args:
        queries, database: names of pictures.
        indices: int64 Q x at least k database rows, nearest first; -1 pads.

    Raises:
        LofiError: fewer neighbours than k, or a name with a space, which separates names.
    """
    return [f"{query} {found}" for query, names in _found(queries, database, indices, k) for found in names]


def colmap_pairs(queries: Sequence[str], database: Sequence[str], indices: np.ndarray, k: int) -> list[str]:
    """As `hloc_pairs` for COLMAP's matches_importer: a pair once, whatever its order, and no picture with itself."""
    pairs: dict[tuple[str, str], str] = {}
    for query, names in _found(queries, database, indices, k):
        for found in names:
            key = (min(query, found), max(query, found))
            if query != found:
                pairs.setdefault(key, f"{query} {found}")
    return list(pairs.values())


def predictions(queries: Sequence[str], database: Sequence[str], indices: np.ndarray, k: int) -> list[str]:
    """A line a query: its name and the k names that were found, nearest first (as MSLS' evaluation reads them)."""
    return [" ".join([query, *names]) for query, names in _found(queries, database, indices, k)]


FORMS = {"hloc": hloc_pairs, "colmap": colmap_pairs, "predictions": predictions}


def write_pairs(
    path: str | Path, form: str, queries: Sequence[str], database: Sequence[str], indices: np.ndarray, k: int
) -> int:
    """Write a text file of one of `FORMS`; returns how many lines.

    Raises:
        LofiError: an unknown form, fewer neighbours than k, or a name with a space.
    """
    if form not in FORMS:
        raise LofiError(f"expected a form ({', '.join(FORMS)}), found {form!r}.")
    lines = FORMS[form](queries, database, indices, k)
    write_atomic(path, "".join(f"{line}\n" for line in lines))
    return len(lines)


def _found(
    queries: Sequence[str], database: Sequence[str], indices: np.ndarray, k: int
) -> Iterator[tuple[str, list[str]]]:
    if not 1 <= k <= indices.shape[1] or len(indices) != len(queries):
        raise LofiError(
            f"expected {len(queries)} queries with at least {k} neighbours each (k of at least 1), found "
            f"{indices.shape[0]} x {indices.shape[1]}. Ask for fewer, or search again."
        )
    spaced = next((name for name in (*queries, *database) if any(letter.isspace() for letter in name)), None)
    if spaced is not None:
        raise LofiError(f"expected names without spaces, which separate names, found {spaced!r}. Rename it.")
    for query, rows in zip(queries, indices, strict=True):
        yield query, [database[row] for row in rows[:k] if row >= 0]
