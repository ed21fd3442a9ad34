"""A folder of pictures beside a GPX track: each picture is where the track was when it was taken."""

from __future__ import annotations

import csv
import datetime
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lofivpr.places.columns import as_column
from lofivpr.places.formats.exif import read_tags
from lofivpr.places.formats.labels import folders_of, role_of, split_of
from lofivpr.places.formats.pictures import pictures_under
from lofivpr.places.formats.registry import Found, register_format
from lofivpr.places.geodesy import LocalFrame, PlacesError

TIMES = "times.csv"
GAP_S = 60.0  # where a track is silent for longer, nothing is known in between
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Track:
    """Points of a track in order of time: seconds since 1970 UTC, degrees; float64 N each."""

    seconds: Floats
    lat: Floats
    lon: Floats

    def at(self, seconds: Floats) -> tuple[Floats, Floats]:
        """Latitude and longitude at these times, linear in metres; NaN off the track and in gaps over a minute."""
        after = np.clip(np.searchsorted(self.seconds, seconds), 1, len(self.seconds) - 1)
        known = (seconds >= self.seconds[0]) & (seconds <= self.seconds[-1])
        known &= (self.seconds[after] - self.seconds[after - 1] <= GAP_S) | np.isin(seconds, self.seconds)
        frame = LocalFrame.around(self.lat, self.lon)
        xy = frame.forward(self.lat, self.lon)
        moved = np.column_stack([np.interp(seconds, self.seconds, xy[:, side]) for side in (0, 1)])
        degrees = np.where(known[:, None], frame.inverse(moved), np.nan)
        return degrees[:, 0], degrees[:, 1]


def read_track(files: list[Path]) -> Track:
    """All track points of GPX files (1.0 or 1.1) that have a time, in order of time.

    Raises:
        PlacesError: no XML, a point that does not fit, or fewer than two points with a time.
    """
    points = sorted(point for file in files for point in _points(file))
    if len(points) < 2:
        raise PlacesError(
            f"expected track points with times in {files[0]}, found {len(points)}. Export the track anew."
        )
    seconds, lat, lon = np.array(points, dtype=np.float64).T
    first = np.append(True, np.diff(seconds) > 0)  # a second point of the same moment says nothing new
    return Track(seconds[first], lat[first], lon[first])


def _points(file: Path) -> Iterator[tuple[float, float, float]]:
    try:
        for _, element in ElementTree.iterparse(file):
            if element.tag.rpartition("}")[2] != "trkpt":
                continue
            time = next((child.text for child in element if child.tag.rpartition("}")[2] == "time"), None)
            if time:
                yield seconds_of(time), float(element.attrib["lat"]), float(element.attrib["lon"])
    except ElementTree.ParseError as error:
        raise PlacesError(f"expected GPX in {file}, found: {error}. Export the track anew.") from None
    except (KeyError, ValueError) as error:
        raise PlacesError(f"expected lat, lon and an ISO 8601 time in points of {file}, found: {error}.") from None


def seconds_of(text: str) -> float:
    """Seconds since 1970 UTC of a number of seconds, or of an ISO 8601 time with its offset (`Z` is UTC).

    Raises:
        ValueError: neither, or a time without an offset.
    """
    text = text.strip()
    try:
        return float(text)
    except ValueError:
        moment = datetime.datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"a time without its offset from UTC, {text!r}: add Z or +01:00")
    return moment.timestamp()


def _tracks(path: Path) -> list[Path]:
    return sorted(file for file in path.iterdir() if file.suffix.lower() == ".gpx") if path.is_dir() else []


@register_format("gpx", order=40, matches=lambda path: bool(_tracks(path)))
def read_gpx(path: Path) -> Found:
    """Read pictures with the position of the .gpx files beside them at the time of each.

    Times come from `times.csv` (columns image and timestamp: seconds since 1970 UTC, or ISO 8601 with its offset)
    or else from EXIF, where it states the offset. Pictures off the track stay, without a position.

    Raises:
        PlacesError: no track, no picture, no times, or no picture within the track.
    """
    tracks, images = _tracks(path), list(pictures_under(path)) if path.is_dir() else []
    if not tracks or not images:
        raise PlacesError(f"expected pictures and a .gpx file in {path}, found {len(images)} and {len(tracks)}.")
    track, seconds = read_track(tracks), _times(path, images)
    lat, lon = track.at(seconds)
    if np.isnan(lat).all():
        raise PlacesError(
            f"expected pictures between {_utc(track.seconds[0])} and {_utc(track.seconds[-1])}, the times of the track "
            f"in {path}, found {_utc(np.nanmin(seconds))} to {_utc(np.nanmax(seconds))}. Correct {TIMES} or the "
            "camera's clock."
        )
    folders = [folders_of(path, image) for image in images]
    columns: dict[str, Any] = {
        "image": images,
        "lat": lat,
        "lon": lon,
        "timestamp": seconds,
        "split": [split_of(one) for one in folders],
        "role": [role_of(one) for one in folders],
    }
    return Found(path, pa.table({name: as_column(name, cells) for name, cells in columns.items()}))


def _times(path: Path, images: list[str]) -> Floats:
    """Seconds since 1970 UTC of each picture, NaN where unknown."""
    listed = path / TIMES
    known = _listed(listed) if listed.is_file() else {image: read_tags(path / image).timestamp for image in images}
    seconds = np.array([known.get(image) for image in images], dtype=np.float64)
    if np.isnan(seconds).all():
        raise PlacesError(
            f"expected times of pictures in {listed} (columns image, timestamp) or in EXIF with an offset from UTC, "
            f"found none for {len(images)} pictures. Write {TIMES}."
        )
    return seconds


def _listed(file: Path) -> dict[str, float | None]:
    found: dict[str, float | None] = {}
    with file.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream)
        if not {"image", "timestamp"} <= set(reader.fieldnames or []):
            raise PlacesError(f"expected columns image and timestamp in {file}, found {reader.fieldnames}.")
        for row in reader:
            try:
                found[row["image"]] = seconds_of(row["timestamp"])
            except (ValueError, AttributeError) as error:
                raise PlacesError(f"expected a time in line {reader.line_num} of {file}, found {error}.") from None
    return found


def _utc(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(float(seconds), datetime.UTC).strftime("%Y-%m-%d %H:%M:%SZ")
