"""One reader a data set convention; importing a reader here registers it."""

from __future__ import annotations

from lofivpr.places.formats.csv import read_csv
from lofivpr.places.formats.folder import read_folder
from lofivpr.places.formats.registry import FORMATS, Format, Found, detect, register_format
from lofivpr.places.formats.utm_names import read_utm_names

__all__ = [
    "FORMATS",
    "Format",
    "Found",
    "detect",
    "read_csv",
    "read_folder",
    "read_utm_names",
    "register_format",
]
