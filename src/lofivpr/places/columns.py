"""The columns of a table of places: their types, their checks, and positions in one form."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa

from lofivpr import files
from lofivpr.places.geodesy import PlacesError, band_of, from_utm, parse_zone, to_utm

SCHEMA = pa.schema(
    [
        ("image", pa.string()),
        ("lat", pa.float64()),
        ("lon", pa.float64()),
        ("easting", pa.float64()),
        ("northing", pa.float64()),
        ("zone", pa.string()),
        ("heading_deg", pa.float64()),
        ("place", pa.string()),
        ("sequence", pa.string()),
        ("frame", pa.int64()),
        ("panorama", pa.string()),
        ("split", pa.string()),
        ("role", pa.string()),
        ("timestamp", pa.float64()),
    ]
)
LOCAL = "local"
ROLES = {"database": "database", "query": "query", "queries": "query"}


def parse_cell(name: str, text: str) -> Any:
    """One cell of text as its column's type: None when empty.

    Raises:
        ValueError: the text does not fit; the message says what was expected.
    """
    text = text.strip()
    if not text:
        return None
    if name == "role":
        if text.lower() not in ROLES:
            raise ValueError("`database` or `query`")
        return ROLES[text.lower()]
    kind = pa.float64() if name in ("x", "y") else SCHEMA.field(name).type
    if kind == pa.string():
        return text
    value = _number(text)
    if kind == pa.int64():
        if not value.is_integer():
            raise ValueError("a whole number")
        return int(value)
    limit = {"lat": 90.0, "lon": 180.0}.get(name)
    if limit is not None and abs(value) > limit:
        raise ValueError(f"degrees from -{limit:g} to {limit:g}")
    return value


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise ValueError("a number") from None
    if not math.isfinite(value):
        raise ValueError("a finite number")
    return value


def conform(table: pa.Table) -> pa.Table:
    """The table with every column of `SCHEMA` and no other; absent ones are null.

    Raises:
        PlacesError: no image column, an empty or repeated image, or a column of another type.
    """
    if "image" not in table.column_names:
        raise PlacesError(
            f"expected a column `image`, found: {', '.join(table.column_names) or 'no columns'}. "
            "Name the column that holds the path of each picture `image`."
        )
    columns = [_column(table, field) for field in SCHEMA]
    checked = pa.table(columns, schema=SCHEMA)
    _check_images(checked["image"].to_pylist())
    _check_roles(checked["role"].to_pylist())
    return checked


def _column(table: pa.Table, field: pa.Field) -> pa.ChunkedArray | pa.Array:
    if field.name not in table.column_names:
        return pa.nulls(len(table), field.type)
    try:
        column = table[field.name].cast(field.type)
    except pa.ArrowException as error:
        raise PlacesError(
            f"expected column `{field.name}` of type {field.type}, found {table[field.name].type}: {error}."
        ) from error
    if field.type == pa.string():
        return pa.array([text or None for text in column.to_pylist()], pa.string())
    if field.type == pa.float64():  # NaN is how NumPy says null
        return pa.array(column.to_numpy(), pa.float64(), from_pandas=True)
    return column


def _check_images(images: list[str | None]) -> None:
    seen: dict[str, int] = {}
    for row, image in enumerate(images):
        if image is None:
            raise PlacesError(f"expected a picture in every row, found none in row {row}.")
        if image in seen:
            raise PlacesError(f"expected each picture once, found {image} in rows {seen[image]} and {row}. Remove one.")
        seen[image] = row


def _check_roles(roles: list[str | None]) -> None:
    wrong = {role for role in roles if role not in ("database", "query", None)}
    if wrong:
        raise PlacesError(f"expected roles `database` and `query`, found {', '.join(sorted(map(repr, wrong)))}.")


def complete(table: pa.Table) -> pa.Table:
    """A conforming table with every position in both forms, where there are two.

    Latitude and longitude are the truth and give easting, northing and zone; where they are missing, UTM with
    a zone gives them; metres without a zone get the zone `local`. Headings become 0 <= heading < 360.

    Raises:
        PlacesError: half a position, a position off the map, or local metres beside positions on earth.
    """
    images = table["image"].to_pylist()
    lat, lon = _pair(table, "lat", "lon", images)
    east, north = _pair(table, "easting", "northing", images)
    zone = np.array(table["zone"].to_pylist(), dtype=object)
    off = (np.abs(lat) > 90) | (np.abs(lon) > 180)
    if off.any():
        first = int(np.argmax(off))
        raise PlacesError(f"expected lat, lon in degrees, found {lat[first]}, {lon[first]} for {images[first]}.")
    degrees = ~np.isnan(lat)
    named = np.array([text is not None and text.lower() != LOCAL for text in zone], dtype=bool)
    utm = ~degrees & ~np.isnan(east) & named
    local = ~degrees & ~np.isnan(east) & ~named
    _check_one_frame(local, degrees | utm, images)
    zone[~(degrees | utm | local)] = None
    zone[local] = LOCAL
    if degrees.any():
        east[degrees], north[degrees], zone[degrees] = to_utm(lat[degrees], lon[degrees])
    if utm.any():
        lat[utm], lon[utm] = from_utm(east[utm], north[utm], list(zone[utm]))
        zone[utm] = [f"{parse_zone(z)[0]}{band_of(a)}" for z, a in zip(zone[utm], lat[utm], strict=True)]
    heading = table["heading_deg"].to_numpy() % 360
    return _replace(table, lat=lat, lon=lon, easting=east, northing=north, zone=zone, heading_deg=heading)


def _check_one_frame(local: np.ndarray, earth: np.ndarray, images: list[str]) -> None:
    if local.any() and earth.any():
        raise PlacesError(
            f"expected positions in one frame, found {images[int(np.argmax(local))]} in metres without a "
            f"zone and {images[int(np.argmax(earth))]} on earth. Give every row lat and lon, or a zone."
        )


def _pair(table: pa.Table, a: str, b: str, images: list[str]) -> tuple[np.ndarray, np.ndarray]:
    first, second = table[a].to_numpy().copy(), table[b].to_numpy().copy()
    if (np.isnan(first) != np.isnan(second)).any():
        row = int(np.argmax(np.isnan(first) != np.isnan(second)))
        raise PlacesError(f"expected {a} and {b} together, found only one of them for {images[row]}.")
    return first, second


def _replace(table: pa.Table, **columns: np.ndarray) -> pa.Table:
    for name, values in columns.items():
        index = SCHEMA.get_field_index(name)
        table = table.set_column(index, SCHEMA.field(name), as_column(name, values))
    return table


def as_column(name: str, values: Any) -> pa.Array:
    """Values (NaN and None are null) as the Arrow array of a column."""
    return pa.array(values, SCHEMA.field(name).type, from_pandas=True)


def table_digest(table: pa.Table) -> str:
    """A digest of what a complete table says, independent of how PROJ rounds the last bit.

    A position on earth counts by its degrees (to a millimetre), a local one by its metres.
    """
    parts = [f"{field.name}:{_canonical(table, field)}" for field in SCHEMA]
    return files.digest(*parts)


def _canonical(table: pa.Table, field: pa.Field) -> str:
    values = table[field.name].to_pylist()
    if field.name in ("easting", "northing", "zone"):
        local = table["zone"].to_pylist()
        values = [value if zone == LOCAL else None for value, zone in zip(values, local, strict=True)]
    if field.type == pa.float64():
        digits = 8 if field.name in ("lat", "lon") else 6
        values = [None if value is None else round(value, digits) + 0.0 for value in values]
    return json.dumps(values)
