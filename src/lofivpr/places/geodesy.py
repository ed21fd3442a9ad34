"""Positions on the earth: WGS84 degrees, UTM metres, geocentric points and one local metric frame."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from pyproj import Geod, Proj, Transformer

from lofivpr.errors import LofiError

Floats = npt.NDArray[np.float64]
BANDS = "CDEFGHJKLMNPQRSTUVWX"  # latitude bands of 8 degrees from 80 S; X has 12
GEOD = Geod(ellps="WGS84")


class PlacesError(LofiError):
    """Places that cannot be read, or that lack what was asked of them."""


@dataclass(frozen=True)
class LocalFrame:
    """A flat metric frame about one point: azimuthal equidistant, x to the east, y to the north.

    Within 100 km of its origin, distances between points are right to a millimetre and 5e-5 of their length,
    whatever UTM zones they lie in.
    """

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (-90 <= self.lat <= 90 and -180 <= self.lon <= 180):
            raise PlacesError(f"expected an origin in degrees, found lat {self.lat}, lon {self.lon}.")

    @classmethod
    def around(cls, lat: Floats, lon: Floats) -> LocalFrame:
        """The frame about the mean of the points (N degrees each), right across the date line too."""
        x, y, z = geocentric(lat, lon).mean(axis=0)
        # The direction from the centre of the earth, turned into the normal of the ellipsoid there: taken for
        # a latitude itself it would put the origin up to 21 km aside.
        lat0 = np.degrees(np.arctan2(z, np.hypot(x, y) * (1 - GEOD.es)))
        return cls(float(lat0), float(np.degrees(np.arctan2(y, x))))

    def forward(self, lat: Floats, lon: Floats) -> Floats:
        """Degrees (N, N) to metres, float64 N x 2 (x east, y north)."""
        return np.column_stack(_local(self.lat, self.lon)(lon, lat)).astype(np.float64)

    def inverse(self, xy: Floats) -> Floats:
        """Metres (N x 2) to degrees, float64 N x 2 (lat, lon)."""
        points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        lon, lat = _local(self.lat, self.lon)(points[:, 0], points[:, 1], inverse=True)
        return np.column_stack((lat, lon)).astype(np.float64)


@lru_cache(maxsize=256)
def _local(lat: float, lon: float) -> Proj:
    return Proj(proj="aeqd", lat_0=lat, lon_0=lon, ellps="WGS84")


@lru_cache(maxsize=128)
def _utm(number: int, south: bool) -> Proj:
    return Proj(proj="utm", zone=number, south=south, ellps="WGS84")


@lru_cache(maxsize=1)
def _to_geocentric() -> Transformer:
    return Transformer.from_crs("EPSG:4979", "EPSG:4978", always_xy=True)


def geocentric(lat: Floats, lon: Floats) -> Floats:
    """Points on the ellipsoid as earth-centred metres, float64 N x 3.

    Their straight distance is the geodesic one to a millimetre up to 10 km, in any zone.
    """
    x, y, z = _to_geocentric().transform(lon, lat, np.zeros(len(lat)))
    return np.column_stack((x, y, z)).astype(np.float64)


def geodesic(lat_a: Floats, lon_a: Floats, lat_b: Floats, lon_b: Floats) -> Floats:
    """Geodesic distance in metres, row by row."""
    return np.asarray(GEOD.inv(lon_a, lat_a, lon_b, lat_b)[2], dtype=np.float64)


def zone_of(lat: float, lon: float) -> str:
    """The UTM zone and band of a point, such as `31U`, with the exceptions of Norway and Svalbard."""
    number = int((lon + 180) // 6) % 60 + 1
    if 56 <= lat < 64 and 3 <= lon < 12:
        number = 32
    elif lat >= 72 and 0 <= lon < 42:
        number = 31 + 2 * int(np.searchsorted([9, 21, 33], lon, side="right"))
    return f"{number}{band_of(lat)}"


def band_of(lat: float) -> str:
    """The latitude band letter; beyond 80 S and 84 N the outermost one."""
    return BANDS[int(np.clip((lat + 80) // 8, 0, len(BANDS) - 1))]


def parse_zone(text: str) -> tuple[int, bool]:
    """A zone's number and whether it lies south of the equator.

    `31U` (number and latitude band, as in the field's file names), `31north`, `31south`, `EPSG:32631`.

    Raises:
        PlacesError: anything else, a bare number among it, since its hemisphere would be a guess.
    """
    zone = text.strip().lower().replace(" ", "")
    if match := re.fullmatch(r"epsg:32([67])(\d\d)", zone):
        number, south = int(match[2]), match[1] == "7"
    elif match := re.fullmatch(r"(\d{1,2})([c-hj-np-x]|north|south)", zone):
        number = int(match[1])
        south = match[2] == "south" or (len(match[2]) == 1 and match[2] < "n")
    else:
        number, south = 0, False
    if not 1 <= number <= 60:
        raise PlacesError(
            f"expected a UTM zone with its latitude band such as 31U (or 31north, EPSG:32631), found "
            f"{text!r}. Correct the zone, or write `local` for metres in a frame of your own."
        )
    return number, south


def to_utm(lat: Floats, lon: Floats) -> tuple[Floats, Floats, list[str]]:
    """Degrees to UTM: easting and northing in metres (float64 N) and each point's own zone."""
    zones = [zone_of(a, o) for a, o in zip(lat, lon, strict=True)]
    easting, northing = np.empty(len(zones)), np.empty(len(zones))
    for zone, rows in _rows_by(zones).items():
        easting[rows], northing[rows] = _utm(*parse_zone(zone))(lon[rows], lat[rows])
    return easting, northing, zones


def from_utm(easting: Floats, northing: Floats, zones: list[str]) -> tuple[Floats, Floats]:
    """UTM metres to degrees: lat and lon, float64 N each.

    Raises:
        PlacesError: a zone that is none, a point outside every map, or the letter S on a point that is not
            in band S (32 to 40 north), which is how a southern hemisphere is often written.
    """
    lat, lon = np.empty(len(zones)), np.empty(len(zones))
    for zone, rows in _rows_by(zones).items():
        lon[rows], lat[rows] = _utm(*parse_zone(zone))(easting[rows], northing[rows], inverse=True)
        _check_utm(zone, easting[rows], northing[rows], lat[rows])
    return lat, lon


def _check_utm(zone: str, easting: Floats, northing: Floats, lat: Floats) -> None:
    lost = ~np.isfinite(lat) | (np.abs(lat) > 90)
    if lost.any():
        first = int(np.argmax(lost))
        raise PlacesError(
            f"expected UTM metres in zone {zone}, found easting {easting[first]}, northing {northing[first]}."
            " Correct them, or write zone `local` for metres in a frame of your own."
        )
    if zone.strip().lower().endswith("s") and (np.abs(lat - 36) > 5).any():
        number = zone.strip()[:-1]
        raise PlacesError(
            f"expected points of band S (32 to 40 degrees north) in zone {zone}, found northing "
            f"{northing[int(np.argmax(np.abs(lat - 36)))]}. The letter is the latitude band: write "
            f"{number}south for the southern hemisphere."
        )


def _rows_by(keys: list[str]) -> dict[str, npt.NDArray[np.int64]]:
    rows: dict[str, list[int]] = {}
    for row, key in enumerate(keys):
        rows.setdefault(key, []).append(row)
    return {key: np.array(members, dtype=np.int64) for key, members in rows.items()}


def heading_difference(a: npt.ArrayLike, b: npt.ArrayLike) -> Floats:
    """The angle between two headings in degrees, 0 to 180: 359 and 1 differ by 2."""
    return np.abs((np.asarray(a, dtype=np.float64) - np.asarray(b, dtype=np.float64) + 180) % 360 - 180)
