"""What a reader of a map holds: one state of it, which later changes on disk do not touch."""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

import numpy as np
import pyarrow as pa

from lofivpr.descriptors.build import listing
from lofivpr.errors import LofiError
from lofivpr.maps.calibration import Calibration
from lofivpr.maps.filters import Filter
from lofivpr.maps.index import EXACT_ROWS, IndexReader
from lofivpr.maps.manifest import Manifest, Segment
from lofivpr.maps.segment import SegmentReader, check_size, stored_file
from lofivpr.maps.shelf import Found, Shelf, merge
from lofivpr.places import Places

CALIBRATION = "calibration.json"


class Contents:
    """The files that a manifest names, mapped into memory when first used. Never changes; safe in threads.

    `rows` are counted over all segments, the removed ones among them; `places` only those that are left.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        """Look whether every file is there, of the right size; nothing else is read.

        Raises:
            LofiError: a file is missing or was cut.
        """
        self.folder, self.manifest = folder, manifest
        self._segments = [SegmentReader(folder, segment) for segment in manifest.segments]
        self.shelf = Shelf(self._segments)
        self._index = None
        self.removed = np.empty(0, np.int64)
        """Rows that were removed, ascending."""
        if manifest.tombstones:
            check_size(folder / manifest.tombstones.name, manifest.tombstones.file)
            self.removed = np.load(folder / manifest.tombstones.name)
        if manifest.index:
            check_size(folder / manifest.index.name, manifest.index.file)
            self._index = IndexReader(folder / manifest.index.name, manifest.index.nprobe)

    @property
    def root(self) -> Path:
        """The folder that pictures are relative to."""
        return Path(os.path.normpath(self.folder / self.manifest.root))

    @property
    def model_folder(self) -> Path:
        """Where the model lies that described the places.

        Raises:
            LofiError: nobody said, or it is no longer there.
        """
        named = self.manifest.model_folder
        folder = None if named is None else Path(os.path.normpath(self.folder / named))
        if folder is None or not folder.is_dir():
            where = "nothing said. Name" if folder is None else f"no folder {folder}. Put it there again, or name"
            raise LofiError(
                f"expected to know where the model {self.manifest.model} of the map {self.folder} lies, found "
                f"{where} it, or its student: --model."
            )
        return folder

    @property
    def calibration_path(self) -> Path:
        """Where the map's calibration lies, if there is one."""
        return self.folder / CALIBRATION

    @cached_property
    def calibration(self) -> Calibration | None:
        """The map's calibration when it was first asked for."""
        return Calibration.read(self.calibration_path)

    @cached_property
    def live(self) -> np.ndarray | None:
        """bool, one a row: whether it is still in the map; None = all are."""
        if not len(self.removed):
            return None
        live = np.ones(self.manifest.rows, bool)
        live[self.removed] = False
        return live

    @cached_property
    def table(self) -> pa.Table:
        """The table of places of all rows, views of the files."""
        return pa.concat_tables(segment.table for segment in self._segments)

    @cached_property
    def places(self) -> Places:
        """The places that are left, in order."""
        table = self.table if self.live is None else self.table.take(pa.array(self.row_of))
        return Places(self.root, table, self.manifest.local_frame)

    def places_of(self, segment: Segment) -> Places:
        """All places of one segment, the removed ones among them."""
        table = self._segments[self.manifest.segments.index(segment)].table
        return Places(self.root, table, self.manifest.local_frame)

    @cached_property
    def row_of(self) -> np.ndarray:
        """int64, one a place: its row."""
        return np.arange(self.manifest.rows) if self.live is None else np.flatnonzero(self.live)

    @cached_property
    def _points(self) -> np.ndarray:
        points = [segment.points for segment in self._segments]
        return points[0] if len(points) == 1 else np.concatenate(points)

    @cached_property
    def _headings(self) -> np.ndarray:
        return np.asarray(self.table["heading_deg"].to_numpy(), np.float64)

    def mask(self, wanted: Filter) -> np.ndarray | None:
        """bool, one a row: what may be found; None = all."""
        if wanted.is_empty:
            return self.live
        mask = wanted.mask(self._points, self._headings, self.manifest.frame is not None)
        return mask if self.live is None else mask & self.live

    def nearest(self, queries: np.ndarray, k: int, wanted: Filter, exact: bool = False) -> Found:
        """Squared distances and places (not rows), Q x k, nearest first; infinite and -1 where there are fewer.

        `exact`: compare every place although there is an index.
        """
        distances, rows = self.nearest_rows(queries, k, self.mask(wanted), exact)
        if self.live is not None:
            rows = np.where(rows < 0, -1, np.searchsorted(self.row_of, rows))
        return distances, rows

    def nearest_rows(self, queries: np.ndarray, k: int, mask: np.ndarray | None, exact: bool = False) -> Found:
        """The same by rows, among those of `mask` (bool, None = all)."""
        # Few places that may be found are compared sooner than an index is asked, and exactly.
        few = mask is not None and int(np.count_nonzero(mask)) <= EXACT_ROWS and self.manifest.search != "ivf"
        if self._index is None or self.manifest.index is None or exact or few:
            return self.shelf.nearest(queries, k, mask)
        indexed = self.manifest.index.rows
        candidates = self._index.candidates(queries, k, None if mask is None else mask[:indexed])
        found = [self.shelf.rescore(queries, candidates, k)]
        if indexed < self.manifest.rows:
            found.append(self.shelf.nearest(queries, k, mask, first=indexed))
        return merge(found, k)

    def check(self) -> None:
        """Read every file to its end and compare it with its digest.

        Raises:
            LofiError: names the damaged files.
        """
        damaged = [name for name, file in self.manifest.files.items() if stored_file(self.folder / name) != file]
        if damaged:
            raise LofiError(
                f"expected the files of the map {self.folder} as they were written, found others: {listing(damaged)}. "
                "Copy the map again, or build it again."
            )


def as_queries(descriptors: np.ndarray, dimension: int) -> np.ndarray:
    """float32 Q x D, contiguous, checked.

    Raises:
        LofiError: another shape or dimension, or numbers that are not finite.
    """
    queries = np.ascontiguousarray(descriptors, np.float32)
    if queries.ndim != 2 or queries.shape[1] != dimension:
        raise LofiError(
            f"expected descriptors of {dimension} numbers, as Q x {dimension}, found an array of shape "
            f"{queries.shape}. Describe queries with the model that made the map, or its student."
        )
    if not np.isfinite(queries).all():
        raise LofiError("expected finite descriptors, found NaN or infinity. Check the model that made them.")
    return queries
