"""The field's UTM file names: `@easting@northing@zone@letter@lat@lon@pano_id@tile@heading@...@.jpg`."""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow as pa

from lofivpr.places.columns import LOCAL, SCHEMA, parse_cell
from lofivpr.places.formats.labels import folders_of, role_of, split_of
from lofivpr.places.formats.pictures import pictures_under
from lofivpr.places.formats.registry import Found, register_format
from lofivpr.places.geodesy import PlacesError, zone_of

FIELDS = ("easting", "northing", "zone", "letter", "lat", "lon", "panorama", "tile", "heading_deg")
COLUMNS = ("image", "easting", "northing", "zone", "panorama", "frame", "heading_deg", "split", "role")


def _matches(path: Path) -> bool:
    return path.is_dir() and any(_name(image).startswith("@") for image in pictures_under(path))


@register_format("utm-names", order=50, matches=_matches)
def read_utm_names(path: Path) -> Found:
    """Read a folder of UTM-named pictures; folders named train, val, test and database, gallery, queries,
    queries_night and so on, on the way to a picture, are its split and role.

    Easting and northing are the position: names carry them to a centimetre, but lat and lon only to five
    decimals, about a metre. Without zone and letter, lat and lon tell the zone; without these too, metres are
    local, as in the pseudo-UTM of frame-indexed data sets, where a whole number in the place of the panorama
    is the frame. The name's time and note have no fixed form and
    are not read.

    Raises:
        PlacesError: no picture, or a name that does not follow the convention.
    """
    images = list(pictures_under(path)) if path.is_dir() else []
    if not images:
        raise PlacesError(f"expected UTM-named pictures under {path}, found none. Check the path.")
    rows = [_row(path, image) for image in images]
    return Found(
        path,
        pa.table({name: pa.array([row[name] for row in rows], SCHEMA.field(name).type) for name in COLUMNS}),
    )


def _name(image: str) -> str:
    return PurePosixPath(image).name


def _row(path: Path, image: str) -> dict[str, Any]:
    # Only the file name is split: a folder may have an @ of its own.
    texts = PurePosixPath(image).stem.split("@")
    if len(texts) < 3 or texts[0]:
        raise PlacesError(
            f"expected a name @easting@northing@... as its neighbours have, found {image}. "
            "Rename or move it, or describe the folder by a places.csv."
        )
    fields = dict(zip(FIELDS, texts[1:], strict=False))
    values = {
        name: _value(name, fields.get(name, ""), image) for name in ("easting", "northing", "lat", "lon", "heading_deg")
    }
    if values["easting"] is None or values["northing"] is None:
        raise PlacesError(f"expected an easting and a northing in the name, found none in {image}.")
    zone, panorama = _zone(fields, values), fields.get("panorama") or None
    folders = folders_of(path, image)
    return {
        "image": image,
        "easting": values["easting"],
        "northing": values["northing"],
        "zone": zone,
        "panorama": panorama,
        "frame": int(panorama) if zone == LOCAL and panorama and panorama.isdecimal() else None,
        "heading_deg": values["heading_deg"],
        "split": split_of(folders),
        "role": role_of(folders),
    }


def _value(name: str, text: str, image: str) -> Any:
    try:
        return parse_cell(name, text)
    except ValueError as error:
        raise PlacesError(f"expected {error} as {name} in the name, found {text!r} in {image}.") from error


def _zone(fields: dict[str, str], values: dict[str, Any]) -> str:
    zone = fields.get("zone", "").strip()
    letter = fields.get("letter", "").strip()
    if zone and letter:
        return zone + letter
    if values["lat"] is not None and values["lon"] is not None:
        return zone_of(values["lat"], values["lon"])
    return LOCAL
