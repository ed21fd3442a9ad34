"""`Places`: pictures with positions."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pyarrow import csv as arrow_csv

from lofivpr import files
from lofivpr.media import open_image
from lofivpr.places import columns, formats
from lofivpr.places.geodesy import LocalFrame, PlacesError, geocentric
from lofivpr.urls import as_url


@dataclass(frozen=True)
class Place:
    """One picture: its reference relative to the root, and what is known of where it was taken."""

    image: str
    lat: float | None = None
    lon: float | None = None
    easting: float | None = None
    northing: float | None = None
    zone: str | None = None
    heading_deg: float | None = None
    place: str | None = None
    sequence: str | None = None
    frame: int | None = None
    panorama: str | None = None
    split: str | None = None
    role: str | None = None
    timestamp: float | None = None


@dataclass(frozen=True, eq=False, repr=False)
class Places:
    """Pictures with positions: an Arrow table with the columns of `columns.SCHEMA`, and their folder.

    Make one with `open` or `from_table`, which check and complete it. Parts of it (`select`, `split`,
    `database`, `queries`) keep its local frame, so that their `xy()` can be compared.
    """

    root: Path
    table: pa.Table
    frame: LocalFrame | None = None

    @classmethod
    def open(cls, path: str | Path, convention: str | None = None) -> Places:
        """Open a places.csv, a folder that holds one, a folder of UTM-named pictures, or a bare folder.

        Args:
            path: the file or folder, or the URL of a places.csv or of the folder that holds one.
            convention: a name of `formats.FORMATS`; by default it is told from the path.

        Raises:
            PlacesError: the path follows no convention, or breaks the one it follows.
        """
        url = as_url(path)
        found = formats.detect(path, convention).read(Path(path)) if url is None else formats.read_csv_url(url)
        return cls.from_table(found.root, found.table)

    @classmethod
    def from_table(cls, root: str | Path, table: pa.Table) -> Places:
        """Places from any table with a column `image` and any others of `columns.SCHEMA`.

        Raises:
            PlacesError: repeated pictures, a column of another type, half a position or one off the map.
        """
        full = columns.complete(columns.conform(table))
        lat, lon = full["lat"].to_numpy(), full["lon"].to_numpy()
        known = ~np.isnan(lat)
        frame = LocalFrame.around(lat[known], lon[known]) if known.any() else None
        return cls(Path(root), full, frame)

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def __getitem__(self, row: int) -> Place:
        if not -len(self) <= row < len(self):
            raise IndexError(f"row {row} of {len(self)} places")
        return Place(**{name: self.table[name][row].as_py() for name in columns.SCHEMA.names})

    def __iter__(self) -> Iterator[Place]:
        return (Place(**row) for row in self.table.to_pylist())

    def __repr__(self) -> str:
        return f"Places({len(self)} pictures, {self._inventory()})"

    @cached_property
    def images(self) -> list[str]:
        """The references of the pictures, relative to `root`."""
        return list(self.table["image"].to_pylist())

    def column(self, name: str) -> npt.NDArray[Any]:
        """A column as N values: numbers as float64 with NaN for null, text as objects with None for null."""
        if columns.SCHEMA.field(name).type == pa.string():
            return np.array(self.table[name].to_pylist(), dtype=object)
        return np.asarray(self.table[name].to_numpy(), dtype=np.float64)

    def with_column(self, name: str, values: Any) -> Places:
        """These places with one column of labels replaced (N values; None is null); positions stay."""
        if name in ("image", "lat", "lon", "easting", "northing", "zone"):
            raise ValueError(f"column {name} holds pictures or positions: build new places by from_table")
        index = columns.SCHEMA.get_field_index(name)
        table = self.table.set_column(index, columns.SCHEMA.field(name), columns.as_column(name, values))
        return Places(self.root, table, self.frame)

    def select(self, rows: Sequence[int] | npt.NDArray[Any]) -> Places:
        """The places of these rows, in this order; a boolean mask of N is understood too."""
        chosen = np.asarray(rows)
        indices = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        return Places(self.root, self.table.take(pa.array(indices)), self.frame)

    @property
    def splits(self) -> list[str]:
        """The names of the splits, in the order of their first picture."""
        return [name for name in dict.fromkeys(self.table["split"].to_pylist()) if name is not None]

    def split(self, name: str) -> Places:
        """The places of one split.

        Raises:
            PlacesError: there is no such split.
        """
        if name not in self.splits:
            raise PlacesError(
                f"expected a split {name!r}, found {', '.join(self.splits) or 'no splits'}. "
                "Name one of them, or fill the column `split`."
            )
        return self.select(self.column("split") == name)

    @property
    def database(self) -> Places:
        """The pictures of the database: role `database`, or no role.

        Raises:
            PlacesError: there is none.
        """
        return self._of_role("database")

    @property
    def queries(self) -> Places:
        """The pictures of role `query`.

        Raises:
            PlacesError: there is none.
        """
        return self._of_role("query")

    def _of_role(self, role: str) -> Places:
        is_query = self.column("role") == "query"
        chosen = is_query if role == "query" else ~is_query
        if not chosen.any():
            raise PlacesError(
                f"expected pictures of role `{role}`, found {self._inventory()}. "
                "Fill the column `role` with database and query, choose another split, "
                "or use the protocol leave-panorama-out, which needs no roles."
            )
        return self.select(chosen)

    def _inventory(self) -> str:
        """What there is, such as `split test: 1276 database, 424 query`."""
        counts: dict[str, dict[str, int]] = {}
        for split, role in zip(self.table["split"].to_pylist(), self.table["role"].to_pylist(), strict=True):
            roles = counts.setdefault(f"split {split}" if split else "no split", {})
            roles[role or "without role"] = roles.get(role or "without role", 0) + 1
        texts = [f"{name}: " + ", ".join(f"{n} {role}" for role, n in roles.items()) for name, roles in counts.items()]
        return "; ".join(texts) or "no pictures"

    @property
    def has_positions(self) -> bool:
        """Whether every picture has a position in metres or degrees."""
        return len(self) > 0 and self.table["easting"].null_count == 0

    def require(self, column: str, purpose: str) -> None:
        """Refuse, naming the first picture, if any picture lacks `column`, which `purpose` needs.

        Raises:
            PlacesError: a picture without it.
        """
        missing = [value is None for value in self.table[column].to_pylist()]
        if not any(missing):
            return
        what = "a position (lat, lon or easting, northing)" if column == "easting" else f"`{column}`"
        raise PlacesError(
            f"expected {what} for every picture, needed for {purpose}, found none for {sum(missing)} of "
            f"{len(self)}, first {self.images[missing.index(True)]}. Fill it in, or ask for what needs none."
        )

    def points(self) -> npt.NDArray[np.float64]:
        """Points whose straight distance is the distance in metres, float64 N x 3, in whatever zones.

        Geocentric where positions are on earth, (x, y, 0) where they are local.

        Raises:
            PlacesError: a picture has no position.
        """
        self.require("easting", "distances")
        if self.frame is not None:
            return geocentric(self.column("lat"), self.column("lon"))
        return np.column_stack((self.column("easting"), self.column("northing"), np.zeros(len(self))))

    def xy(self, frame: LocalFrame | None = None) -> npt.NDArray[np.float64]:
        """Positions in one flat metric frame, float64 N x 2 (x east, y north), whatever zones they lie in.

        Args:
            frame: the frame to use instead of this one's own, to compare with other places.

        Raises:
            PlacesError: a picture has no position, or a frame is given for local metres.
        """
        self.require("easting", "a local frame")
        chosen = frame or self.frame
        if self.frame is None:
            if frame is not None:
                raise PlacesError("expected positions on earth for a frame about one, found metres in a local frame.")
            return np.column_stack((self.column("easting"), self.column("northing")))
        assert chosen is not None
        return chosen.forward(self.column("lat"), self.column("lon"))

    def groups(self) -> npt.NDArray[np.int64]:
        """A number for each picture, equal for those that a bootstrap draws together, int64 N.

        Pictures of one panorama, else of one sequence, else of one place; else each is on its own.
        """
        labels = zip(*(self.table[name].to_pylist() for name in ("panorama", "sequence", "place")), strict=True)
        numbers: dict[tuple[int, str], int] = {}
        found = []
        for row, values in enumerate(labels):
            known = ((kind, value) for kind, value in enumerate(values) if value is not None)
            key = next(known, (3, str(row)))
            found.append(numbers.setdefault(key, len(numbers)))
        return np.array(found, dtype=np.int64)

    @cached_property
    def sequences(self) -> list[tuple[str, ...]]:
        """The pictures of each sequence in order of their frames; those without a frame are of none."""
        runs: dict[str | None, list[tuple[int, str]]] = {}
        columns = (self.table[name].to_pylist() for name in ("sequence", "frame", "image"))
        for sequence, frame, image in zip(*columns, strict=True):
            if frame is not None:
                runs.setdefault(sequence, []).append((frame, image))
        return [tuple(image for _, image in sorted(run)) for run in runs.values()]

    @cached_property
    def digest(self) -> str:
        """A digest of the table, not of the pictures nor of where they lie."""
        return columns.table_digest(self.table)

    def open_image(self, row: int) -> npt.NDArray[np.uint8]:
        """The picture of a row, uint8 H x W x 3 RGB.

        Raises:
            BadImageError: it cannot be read.
        """
        return open_image(self.images[row], root=self.root)

    def write(self, path: str | Path) -> None:
        """Write a CSV that `open` reads back, without the columns that are empty.

        Pictures stay relative to `root`, so the file belongs into that folder.
        """
        table = self.table.select([name for name in columns.SCHEMA.names if self.table[name].null_count < len(self)])
        buffer = io.BytesIO()
        arrow_csv.write_csv(table, buffer, arrow_csv.WriteOptions(quoting_style="needed"))
        files.write_atomic(path, buffer.getvalue())
