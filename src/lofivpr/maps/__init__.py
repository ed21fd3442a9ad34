"""A place map, and honest answers from it."""

from __future__ import annotations

from lofivpr.maps.filters import TOLERANCE_DEG
from lofivpr.maps.fix import Candidate, Fix
from lofivpr.maps.info import MapInfo
from lofivpr.maps.manifest import Loss
from lofivpr.maps.map import Map
from lofivpr.maps.remote import local_map
from lofivpr.maps.rows import ArrayRows

__all__ = ["ArrayRows", "TOLERANCE_DEG", "Candidate", "Fix", "Loss", "Map", "MapInfo", "local_map"]
