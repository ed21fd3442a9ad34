"""The data set conventions that can be read, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from lofivpr.places.datasets import dataset_at
from lofivpr.places.geodesy import PlacesError


@dataclass(frozen=True)
class Found:
    """What a reader found: the folder that pictures are relative to, and their table."""

    root: Path
    table: pa.Table


@dataclass(frozen=True)
class Format:
    """A convention: `matches(path)` says cheaply whether a path follows it, `read(path)` reads it."""

    name: str
    order: int
    matches: Callable[[Path], bool]
    read: Callable[[Path], Found]


FORMATS: dict[str, Format] = {}


def register_format(
    name: str, order: int, matches: Callable[[Path], bool]
) -> Callable[[Callable[[Path], Found]], Callable[[Path], Found]]:
    """Register the decorated reader; those of lower `order` are tried first (csv 10, bare folder 100)."""

    def register(read: Callable[[Path], Found]) -> Callable[[Path], Found]:
        FORMATS[name] = Format(name, order, matches, read)
        return read

    return register


def detect(path: str | Path, convention: str | None = None) -> Format:
    """The convention that a file or folder follows, or the one that was named.

    Raises:
        PlacesError: there is no such path, no such convention, or none that fits.
    """
    path = Path(path)
    if convention is not None and convention not in FORMATS:
        raise PlacesError(f"expected a convention ({', '.join(FORMATS)}), found {convention!r}.")
    if not path.exists():
        raise PlacesError(f"expected {_expected(path)}, found nothing at {path}. {_advice(path)}")
    if convention is not None:
        return FORMATS[convention]
    for entry in sorted(FORMATS.values(), key=lambda entry: entry.order):
        if entry.matches(path):
            return entry
    raise PlacesError(
        f"expected {_expected(path)} or any other convention, found none of them at {path}. {_advice(path)}"
    )


def _expected(path: Path) -> str:
    """What could be at a path, by its name."""
    dataset = dataset_at(path)
    return f"{dataset.title}" if dataset else "a places.csv, or a folder of pictures"


def _advice(path: Path) -> str:
    """Where the data set that a path is named after comes from."""
    dataset = dataset_at(path)
    return dataset.advice(path) if dataset else f"Check the path. Conventions: {', '.join(FORMATS)}."
