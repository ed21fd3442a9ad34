"""Pictures with positions, and what counts as finding the right one."""

from __future__ import annotations

from lofivpr.places.columns import SCHEMA
from lofivpr.places.formats import FORMATS, Format, Found, detect, register_format
from lofivpr.places.geodesy import LocalFrame, PlacesError, geodesic, heading_difference
from lofivpr.places.places import Place, Places
from lofivpr.places.positives import Positives
from lofivpr.places.protocol import Cases, Protocol
from lofivpr.places.validation import cut_validation

__all__ = [
    "FORMATS",
    "SCHEMA",
    "Cases",
    "Format",
    "Found",
    "LocalFrame",
    "Place",
    "Places",
    "PlacesError",
    "Positives",
    "Protocol",
    "cut_validation",
    "detect",
    "geodesic",
    "heading_difference",
    "register_format",
]
