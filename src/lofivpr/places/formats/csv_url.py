"""`places.csv` at a URL: its pictures are named by their URLs."""

from __future__ import annotations

import io
from pathlib import Path

import pyarrow as pa

from lofivpr.media import resolve
from lofivpr.places.formats.csv import ENCODING, NAME, table_of
from lofivpr.places.formats.registry import Found
from lofivpr.urls import read_url


def read_csv_url(url: str) -> Found:
    """Read the CSV at a URL, or the `places.csv` of the folder there; pictures lie below its folder or at URLs.

    Raises:
        PlacesError: there is none, it cannot be fetched, and as for `read_csv`.
    """
    file = url if url.lower().endswith(".csv") else f"{url.rstrip('/')}/{NAME}"
    table = table_of(file, lambda: io.StringIO(read_url(file).decode(ENCODING), newline=""))
    images = [str(resolve(image, file.rpartition("/")[0])) for image in table["image"].to_pylist()]
    column = table.schema.get_field_index("image")
    return Found(Path(), table.set_column(column, "image", pa.array(images, pa.string())))
