"""Split and role of a picture, told by the folders that it lies in."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path, PurePosixPath

SPLITS = ("train", "val", "test")
DATABASES = ("database", "gallery")
QUERIES = ("query", "queries")


def folders_of(path: Path, image: str) -> tuple[str, ...]:
    """The opened folder's own name and the folders below it on the way to a picture."""
    return (path.absolute().name, *PurePosixPath(image).parts[:-1])


def split_of(folders: Sequence[str]) -> str | None:
    """The first folder named train, val or test."""
    return next((name for name in folders if name in SPLITS), None)


def role_of(folders: Sequence[str]) -> str | None:
    """`database` in a folder database or gallery; `query` in query, queries or queries_night; the last one counts."""
    for name in reversed(folders):
        if name in DATABASES:
            return "database"
        if name in QUERIES or name.startswith("queries_"):
            return "query"
    return None
