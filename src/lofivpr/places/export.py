"""Places for other tools: a folder of UTM-named links, in the layout that the field reads."""

from __future__ import annotations

import datetime
import os
from pathlib import Path

from lofivpr.files import atomic_path
from lofivpr.media import ImageRef
from lofivpr.places.columns import LOCAL
from lofivpr.places.geodesy import PlacesError
from lofivpr.places.places import Place, Places

FOLDERS = {"database": "database", None: "database", "query": "queries"}


def utm_name(place: Place, suffix: str = ".jpg", note: str = "") -> str:
    """`@easting@northing@zone@letter@lat@lon@pano_id@tile@heading@pitch@roll@height@timestamp@note@` + suffix.

    Easting and northing have 7 digits and 2 decimals, degrees 5 decimals; local metres have no zone.

    Raises:
        PlacesError: a place without a position.
    """
    if place.easting is None or place.northing is None:
        raise PlacesError(f"expected a position for every picture, found none for {place.image}. Fill it in.")
    east, north = (f"{'-' if value < 0 else ''}{abs(value):010.2f}" for value in (place.easting, place.northing))
    earth = ["", "", "", ""]
    if place.zone is not None and place.zone != LOCAL and place.lat is not None and place.lon is not None:
        earth = [f"{int(place.zone[:-1]):02d}", place.zone[-1], f"{place.lat:09.5f}", f"{place.lon:010.5f}"]
    heading = "" if place.heading_deg is None else f"{round(place.heading_deg) % 360:03d}"
    fields = [
        east,
        north,
        *earth,
        _plain(place.panorama),
        "",
        heading,
        "",
        "",
        "",
        _time(place.timestamp),
        _plain(note),
    ]
    return "@" + "@".join(fields) + "@" + suffix


def _plain(text: str | None) -> str:
    """Without what would end a field or a name."""
    return "" if text is None else text.replace("@", "-").replace("/", "-")


def _time(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y%m%d_%H%M%S")


def export_utm_names(places: Places, out: str | Path) -> Path:
    """Write `<out>/images/<split>/{database,queries}/@...@.jpg`, links to the pictures; a missing split is `test`.

    Links are absolute, so the folder may move and the pictures may not. The note holds the row.

    Raises:
        PlacesError: a folder that is there, a picture without a position, or one that is no file of its own.
    """
    out = Path(out)
    if out.exists():
        raise PlacesError(f"expected a new folder for the links, found {out}: remove it or choose another.")
    with atomic_path(out) as temporary:
        for row, place in enumerate(places):
            source = _file(places.root, place.image)
            folder = temporary / "images" / (place.split or "test") / FOLDERS[place.role]
            folder.mkdir(parents=True, exist_ok=True)
            os.symlink(source, folder / utm_name(place, source.suffix.lower(), str(row)))
    return out


def _file(root: Path, image: str) -> Path:
    reference = ImageRef.parse(image)
    if reference.fragment or "://" in reference.path:
        raise PlacesError(f"expected pictures that are files, to link to, found {image}. Export others alone.")
    file = (root / reference.path).absolute()
    if not file.is_file():
        raise PlacesError(f"expected a picture at {file}, found none. Complete the data set, see 'lofivpr data check'.")
    return file
