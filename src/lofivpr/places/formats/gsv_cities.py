"""GSV-Cities (Ali-bey et al., 2022): one CSV a city, names of pictures made of its cells."""

from __future__ import annotations

import calendar
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from lofivpr.places.datasets import public_datasets
from lofivpr.places.formats.csv_columns import read_columns
from lofivpr.places.formats.registry import Found, register_format
from lofivpr.places.geodesy import PlacesError

CELLS = ("place_id", "year", "month", "northdeg", "city_id", "lat", "lon", "panoid")


def _csvs(path: Path) -> list[Path]:
    return sorted((path / "Dataframes").glob("*.csv"))


@register_format("gsv-cities", order=22, matches=lambda path: bool(_csvs(path)))
def read_gsv_cities(path: Path) -> Found:
    """Read Dataframes/<City>.csv; pictures are Images/<City>/*.jpg, all of split train and without a role.

    A name holds latitude and longitude as they are written in the CSV, so they are read as text. Place ids
    repeat between cities: a place is called `<city>-<id>`. The timestamp is the first second of the month, UTC.

    Raises:
        PlacesError: no CSV, a column that is missing, or a cell that does not fit.
    """
    files = _csvs(path)
    if not files:
        raise PlacesError(
            f"expected Dataframes/<City>.csv in {path}, found none. {public_datasets()['gsv-cities'].advice(path)}"
        )
    return Found(path, pa.concat_tables(_city(file) for file in files))


def _city(file: Path) -> pa.Table:
    cells = read_columns(file, dict.fromkeys(CELLS, pa.string()))  # as text
    rows = list(zip(*(cells[name].to_pylist() for name in CELLS), strict=True))
    images, places, times = [], [], []
    for line, (place, year, month, north, city, lat, lon, panorama) in enumerate(rows, start=2):
        try:
            images.append(
                f"Images/{file.stem}/{city}_{int(place):07d}_{int(year):04d}_{int(month):02d}_{int(float(north)):03d}"
                f"_{lat}_{lon}_{panorama}.jpg"
            )
            times.append(float(calendar.timegm((int(year), int(month), 1, 0, 0, 0))))
        except (TypeError, ValueError) as error:
            raise PlacesError(f"expected whole numbers in line {line} of {file}, found: {error}.") from None
        places.append(f"{city}-{place}")
    columns = {
        "image": pa.array(images, pa.string()),
        "lat": _degrees(file, cells, "lat"),
        "lon": _degrees(file, cells, "lon"),
        "heading_deg": _degrees(file, cells, "northdeg"),
        "place": pa.array(places, pa.string()),
        "panorama": cells["panoid"],
        "split": pa.array(["train"] * len(images), pa.string()),
        "timestamp": pa.array(times, pa.float64()),
    }
    return pa.table(columns)


def _degrees(file: Path, cells: pa.Table, name: str) -> pa.ChunkedArray:
    try:
        return pc.cast(cells[name], pa.float64())
    except pa.ArrowException as error:
        raise PlacesError(f"expected numbers in column {name} of {file}, found: {error}.") from None
