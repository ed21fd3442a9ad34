"""A folder of pictures that carry their own position: GPS in EXIF, as phones and action cameras write it."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
from PIL import Image

from lofivpr.places.columns import as_column
from lofivpr.places.formats.labels import folders_of, role_of, split_of
from lofivpr.places.formats.pictures import pictures_under
from lofivpr.places.formats.registry import Found, register_format
from lofivpr.places.geodesy import PlacesError

LOOKED_AT = 8  # pictures that tell whether a folder has positions
GPS, EXIF = 0x8825, 0x8769
LAT_REF, LAT, LON_REF, LON, DIRECTION_REF, DIRECTION = 1, 2, 3, 4, 16, 17
TAKEN, OFFSET, FRACTION = 0x9003, 0x9011, 0x9291


@dataclass(frozen=True)
class Tags:
    """What EXIF says of where and when: degrees, and seconds since 1970 UTC where the time states its offset."""

    lat: float | None = None
    lon: float | None = None
    heading_deg: float | None = None
    timestamp: float | None = None


def read_tags(path: Path) -> Tags:
    """The tags of a picture; all None where it has none, or where it cannot be opened."""
    try:
        with Image.open(path) as image:
            exif = image.getexif()
            gps, camera = exif.get_ifd(GPS), exif.get_ifd(EXIF)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return Tags()
    lat, lon = _angle(gps, LAT, LAT_REF, "S", 90), _angle(gps, LON, LON_REF, "W", 180)
    if lat is None or lon is None or (lat == 0 and lon == 0):  # cameras without a fix write zeros
        lat = lon = None
    heading = _number(gps.get(DIRECTION)) if gps.get(DIRECTION_REF, "T") == "T" else None
    return Tags(lat, lon, heading, _time(camera))


@register_format("exif", order=60, matches=lambda path: path.is_dir() and _has_positions(path))
def read_exif(path: Path) -> Found:
    """Read latitude, longitude, true heading and time of every picture; folders tell split and role.

    Pictures without a position stay, with none.

    Raises:
        PlacesError: no picture has a position.
    """
    images = list(pictures_under(path)) if path.is_dir() else []
    tags = [read_tags(path / image) for image in images]
    if all(one.lat is None for one in tags):
        raise PlacesError(
            f"expected pictures with GPS in EXIF under {path}, found none among {len(images)}. "
            "Add a GPX track, or describe the folder by a places.csv."
        )
    folders = [folders_of(path, image) for image in images]
    columns: dict[str, list[Any]] = {
        "image": images,
        **{name: [getattr(one, name) for one in tags] for name in ("lat", "lon", "heading_deg", "timestamp")},
        "split": [split_of(one) for one in folders],
        "role": [role_of(one) for one in folders],
    }
    return Found(path, pa.table({name: as_column(name, cells) for name, cells in columns.items()}))


def _has_positions(path: Path) -> bool:
    return any(read_tags(path / image).lat is not None for image in islice(pictures_under(path), LOOKED_AT))


def _angle(gps: Mapping[int, Any], value: int, reference: int, negative: str, limit: float) -> float | None:
    """Degrees of (degrees, minutes, seconds)."""
    parts = gps.get(value)
    if not isinstance(parts, tuple) or len(parts) != 3:
        return None
    numbers = [_number(part) for part in parts]
    if any(number is None for number in numbers):
        return None
    degrees = sum((number or 0.0) / 60**power for power, number in enumerate(numbers))
    sign = -1.0 if str(gps.get(reference, "")).strip("\0 ").upper().startswith(negative) else 1.0
    return sign * degrees if degrees <= limit else None


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    return number if math.isfinite(number) else None


def _time(camera: Mapping[int, Any]) -> float | None:
    """When the picture was taken; a time without its offset from UTC could be anywhere, so it is none."""
    text, offset = str(camera.get(TAKEN, "")), str(camera.get(OFFSET, ""))
    try:
        taken = datetime.datetime.strptime(f"{text.strip()} {offset.strip()}", "%Y:%m:%d %H:%M:%S %z")
    except ValueError:
        return None
    fraction = str(camera.get(FRACTION, "")).strip()
    return taken.timestamp() + (float(f"0.{fraction}") if fraction.isdecimal() else 0.0)
