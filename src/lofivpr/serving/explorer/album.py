"""Pictures to look at: those of a map's places, and queries of the same data set that were taken on the map."""

from __future__ import annotations

from functools import lru_cache

from scipy.spatial import cKDTree

from lofivpr.errors import LofiError
from lofivpr.evaluation.thumbs import small_jpeg
from lofivpr.maps import Map
from lofivpr.maps.answer import WITHIN_M
from lofivpr.media import open_image
from lofivpr.places import Places

_KEPT = 1024  # thumbnails, of some 10 kB each


class Album:
    """Opens pictures that the operator's data set names, by their rows, and no others; safe to use from threads."""

    def __init__(self, places: Places, town: Map) -> None:
        """`places` are those of the map and, if there are any, queries beside them.

        Raises:
            LofiError: they do not name the pictures of the map.
        """
        self._places, self._known = places, frozenset(places.images)
        first = town.places.images[0]
        if first not in self._known:
            raise LofiError(
                f"expected the pictures of the map {town.folder} in {places.root}, found none called {first}. "
                "Give the data set that the map was built from: --places."
            )
        self._jpeg = lru_cache(maxsize=_KEPT)(self._make_jpeg)
        self._samples: tuple[Map, Places] | None = None

    def place_jpeg(self, town: Map, row: int, width: int) -> bytes | None:
        """The picture of a row of the map, at most `width` pixels wide; None where there is none to show."""
        if not 0 <= row < len(town):
            return None
        ref = town.places.table["image"][row].as_py()
        return self._jpeg(ref, width) if ref in self._known else None

    def sample_jpeg(self, town: Map, number: int, width: int) -> bytes | None:
        """The same of a sample."""
        samples = self.samples(town)
        return self._jpeg(samples.images[number], width) if 0 <= number < len(samples) else None

    def samples(self, town: Map) -> Places:
        """Queries within `radius_of` the map of one of its places; its own pictures where the data set has none."""
        if self._samples is None or self._samples[0] is not town:
            self._samples = town, self._find_samples(town)
        return self._samples[1]

    def _find_samples(self, town: Map) -> Places:
        on_map = frozenset(town.places.images)
        own = self._places.select([row for row, image in enumerate(self._places.images) if image in on_map])
        if not (self._places.has_positions and town.places.has_positions):
            return own
        queries = self._places.select(self._places.column("role") == "query")
        if not len(queries):
            return own
        distance, _ = cKDTree(town.places.points()).query(queries.points())
        near = queries.select(distance <= radius_of(town))
        return near if len(near) else own

    def _make_jpeg(self, ref: str, width: int) -> bytes:
        image = open_image(ref, self._places.root)
        return small_jpeg(image, min(width, image.shape[1]))


def radius_of(town: Map) -> float:
    """Metres within which a place counts as right: the calibration's, else those of an answer without one."""
    return WITHIN_M if town.calibration is None else town.calibration.within_m
