"""`places.csv`: one row a picture, the package's own form."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from lofivpr.places.columns import LOCAL, SCHEMA, parse_cell
from lofivpr.places.formats.registry import Found, register_format
from lofivpr.places.geodesy import PlacesError

NAME = "places.csv"
ENCODING = "utf-8-sig"
KNOWN = {*SCHEMA.names, "x", "y"}
POSITIONS = (
    "lat and lon; easting, northing and zone; x and y in metres; place; sequence and frame; or timestamp, "
    "for a trajectory to place"
)
PLACING = ("lat", "easting", "x", "place", "frame", "timestamp")


def _matches(path: Path) -> bool:
    return path.suffix.lower() == ".csv" if path.is_file() else (path / NAME).is_file()


@register_format("csv", order=10, matches=_matches)
def read_csv(path: Path) -> Found:
    """Read a CSV, or the `places.csv` of a folder; pictures are relative to its folder.

    Columns that are not known are ignored. Comma, semicolon and tab separate.

    Raises:
        PlacesError: not UTF-8 text, no image column, no positions, a cell that does not fit (naming
            its line), a line of another length, or a picture that is there twice.
    """
    path = path if path.is_file() else path / NAME
    return Found(path.parent, table_of(path, lambda: path.open(encoding=ENCODING, newline="")))


def table_of(path: str | Path, opening: Callable[[], IO[str]]) -> pa.Table:
    """The table of the CSV that `opening` opens and `path` names. Raises PlacesError, see `read_csv`."""
    try:
        with opening() as file:
            columns = _read(path, file)
    except UnicodeDecodeError as error:
        raise PlacesError(
            f"expected {path} in UTF-8, found byte {error.object[error.start]:#x}. Save it as UTF-8."
        ) from error
    except csv.Error as error:
        raise PlacesError(f"expected a CSV in {path}, found: {error}.") from error
    except OSError as error:
        raise PlacesError(f"expected to read {path}, found: {error.strerror}.") from error
    return _table(path, columns)


def _read(path: str | Path, file: Any) -> dict[str, list[Any]]:
    first = file.readline()
    file.seek(0)
    reader = csv.reader(file, delimiter=max(",;\t", key=first.count), strict=True)
    header = [name.strip().lower() for name in next(reader, [])]
    _check_header(path, header)
    columns: dict[str, list[Any]] = {name: [] for name in header if name in KNOWN}
    lines: dict[str, int] = {}
    for cells in reader:
        if not any(cell.strip() for cell in cells):
            continue
        where = f"line {reader.line_num} of {path}"
        if len(cells) != len(header):
            raise PlacesError(f"expected {len(header)} cells in {where}, found {len(cells)}. Complete the line.")
        for name, cell in zip(header, cells, strict=True):
            if name in columns:
                columns[name].append(_cell(name, cell, where))
        _check_image(columns["image"][-1], reader.line_num, lines, path)
    if not lines:
        raise PlacesError(f"expected rows under the header of {path}, found none.")
    return columns


def _check_header(path: str | Path, header: list[str]) -> None:
    found = ", ".join(name for name in header if name) or "nothing"
    if "image" not in header:
        raise PlacesError(
            f"expected a column `image` in {path}, found: {found}. "
            "Name the column that holds the path of each picture `image`."
        )
    repeated = {name for name in header if name in KNOWN and header.count(name) > 1}
    if repeated:
        raise PlacesError(f"expected each column once in {path}, found `{sorted(repeated)[0]}` again.")
    for a, b in (("lat", "lon"), ("easting", "northing"), ("x", "y")):
        if (a in header) != (b in header):
            raise PlacesError(f"expected columns `{a}` and `{b}` together in {path}, found: {found}.")
    if not set(PLACING) & set(header):
        raise PlacesError(f"expected positions in {path} ({POSITIONS}), found columns: {found}. Add or rename them.")


def _cell(name: str, text: str, where: str) -> Any:
    try:
        return parse_cell(name, text)
    except ValueError as error:
        raise PlacesError(
            f"expected {error} as `{name}` in {where}, found {text.strip()!r}. Correct the line."
        ) from error


def _check_image(image: str | None, line: int, lines: dict[str, int], path: str | Path) -> None:
    if image is None:
        raise PlacesError(f"expected a picture in line {line} of {path}, found an empty `image`.")
    if image in lines:
        raise PlacesError(
            f"expected each picture once in {path}, found {image} in lines {lines[image]} and {line}. Remove one."
        )
    lines[image] = line


def _table(path: str | Path, columns: dict[str, list[Any]]) -> pa.Table:
    if not any(value is not None for name in PLACING for value in columns.get(name, [])):
        raise PlacesError(f"expected positions in {path} ({POSITIONS}), found their columns empty. Fill them.")
    x, y = columns.pop("x", None), columns.pop("y", None)
    if x is not None and y is not None and not {"lat", "easting"} & set(columns):
        columns |= {"easting": x, "northing": y, "zone": [LOCAL] * len(x)}
    return pa.table({name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()})
