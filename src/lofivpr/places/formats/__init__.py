"""One reader a data set convention. Conventions are tried in the order of these imports."""

from lofivpr.places.formats.csv import read_csv
from lofivpr.places.formats.utm_names import read_utm_names
from lofivpr.places.formats.folder import read_folder  # isort: skip  (fits every folder: last)
from lofivpr.places.formats.registry import FORMATS, Format, Found, detect, register_format

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
