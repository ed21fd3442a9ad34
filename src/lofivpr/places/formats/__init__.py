"""One reader a data set convention; importing a reader here registers it."""

from __future__ import annotations

from lofivpr.places.formats.csv import read_csv
from lofivpr.places.formats.csv_url import read_csv_url
from lofivpr.places.formats.exif import read_exif
from lofivpr.places.formats.folder import read_folder
from lofivpr.places.formats.gpx import read_gpx
from lofivpr.places.formats.gsv_cities import read_gsv_cities
from lofivpr.places.formats.msls import read_msls
from lofivpr.places.formats.pittsburgh import read_pitts30k, read_pitts250k
from lofivpr.places.formats.registry import FORMATS, Format, Found, detect, register_format
from lofivpr.places.formats.utm_names import read_utm_names

__all__ = [
    "FORMATS",
    "Format",
    "Found",
    "detect",
    "read_csv",
    "read_csv_url",
    "read_exif",
    "read_folder",
    "read_gpx",
    "read_gsv_cities",
    "read_msls",
    "read_pitts250k",
    "read_pitts30k",
    "read_utm_names",
    "register_format",
]
