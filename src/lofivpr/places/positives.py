"""`Positives`: which pictures of the database are right answers to a query."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lofivpr.places.geodesy import PlacesError, heading_difference
from lofivpr.places.places import Places

Indices = npt.NDArray[np.int64]
GRAMMAR = re.compile(r"(?:(?P<metres>\d+\.?\d*)m|(?P<place>place)|(?P<frames>\d+)frames?)(?:,(?P<deg>\d+\.?\d*)deg)?")
SLACK_M = 1e-6  # a picture exactly on the circle is inside, however its position was rounded
SLACK_DEG = 1e-9


@dataclass(frozen=True)
class Positives:
    """A rule: within `limit` metres, of the same place, or within `limit` frames of the same sequence.

    Where `heading_deg` is given, also looking the same way to that many degrees. Limits are inclusive;
    pictures without a sequence are all of one.

    Written `25m`, `25m,45deg`, `place`, `2frames`. A picture is never its own positive.
    """

    rule: Literal["metres", "place", "frames"]
    limit: float = 0.0
    heading_deg: float | None = None

    def __post_init__(self) -> None:
        if self.rule not in ("metres", "place", "frames") or not 0 <= self.limit < float("inf"):
            raise PlacesError(f"expected metres, place or frames with a limit, found {self.rule!r}, {self.limit}.")
        if self.heading_deg is not None and not 0 <= self.heading_deg <= 180:
            raise PlacesError(f"expected a heading within 0 to 180 degrees, found {self.heading_deg}.")

    @classmethod
    def parse(cls, text: str | Positives) -> Positives:
        """Read a rule; `str` gives it back.

        Raises:
            PlacesError: the text is no rule.
        """
        if isinstance(text, Positives):
            return text
        match = GRAMMAR.fullmatch(text.strip().lower().replace(" ", ""))
        if match is None:
            raise PlacesError(f"expected positives such as 25m, `25m,45deg`, place or 2frames, found {text!r}.")
        heading = float(match["deg"]) if match["deg"] else None
        if match["place"]:
            return cls("place", heading_deg=heading)
        if match["metres"]:
            return cls("metres", float(match["metres"]), heading)
        return cls("frames", float(match["frames"]), heading)

    def __str__(self) -> str:
        limit = np.format_float_positional(self.limit, trim="-")
        base = {"metres": f"{limit}m", "place": "place", "frames": f"{limit}frames"}[self.rule]
        if self.heading_deg is None:
            return base
        return f"{base},{np.format_float_positional(self.heading_deg, trim='-')}deg"

    def find(self, queries: Places, database: Places) -> list[Indices]:
        """For each query the rows of its positives in the database, int64, ascending, maybe none.

        Raises:
            PlacesError: a picture lacks what the rule needs, or the two sides are in different frames.
        """
        finder = {"metres": self._by_distance, "place": _by_place, "frames": self._by_frame}[self.rule]
        found = finder(queries, database)
        if self.heading_deg is not None:
            found = self._same_heading(found, queries, database)
        return _without_itself(found, queries, database)

    def _by_distance(self, queries: Places, database: Places) -> list[Indices]:
        points, tree = queries.points(), cKDTree(database.points())
        if (queries.frame is None) != (database.frame is None):
            raise PlacesError("expected queries and database in one frame, found one on earth and one in local metres.")
        near = tree.query_ball_point(points, self.limit + SLACK_M, return_sorted=True)
        return [np.asarray(rows, dtype=np.int64) for rows in near]

    def _by_frame(self, queries: Places, database: Places) -> list[Indices]:
        for side in (queries, database):
            side.require("frame", f"positives {self}")
        frames = database.column("frame")
        rows_of = {
            sequence: rows[np.argsort(frames[rows], kind="stable")]
            for sequence, rows in _rows_by(database, "sequence").items()
        }
        found = []
        for sequence, frame in zip(queries.column("sequence"), queries.column("frame"), strict=True):
            rows = rows_of.get(sequence, np.empty(0, dtype=np.int64))
            low = np.searchsorted(frames[rows], frame - self.limit, side="left")
            high = np.searchsorted(frames[rows], frame + self.limit, side="right")
            found.append(np.sort(rows[low:high]))
        return found

    def _same_heading(self, found: list[Indices], queries: Places, database: Places) -> list[Indices]:
        assert self.heading_deg is not None
        for side in (queries, database):
            side.require("heading_deg", f"positives {self}")
        headings, limit = database.column("heading_deg"), self.heading_deg + SLACK_DEG
        return [
            rows[heading_difference(headings[rows], heading) <= limit]
            for rows, heading in zip(found, queries.column("heading_deg"), strict=True)
        ]


def _by_place(queries: Places, database: Places) -> list[Indices]:
    for side in (queries, database):
        side.require("place", "positives by place")
    rows_of = _rows_by(database, "place")
    return [rows_of.get(place, np.empty(0, dtype=np.int64)) for place in queries.column("place")]


def _rows_by(places: Places, column: str) -> dict[str | None, Indices]:
    rows: dict[str | None, list[int]] = {}
    for row, value in enumerate(places.column(column)):
        rows.setdefault(value, []).append(row)
    return {value: np.array(members, dtype=np.int64) for value, members in rows.items()}


def _without_itself(found: list[Indices], queries: Places, database: Places) -> list[Indices]:
    own = {str(database.root / image): row for row, image in enumerate(database.images)}
    rows = [own.get(str(queries.root / image), -1) for image in queries.images]
    return [positives[positives != row] if row >= 0 else positives for positives, row in zip(found, rows, strict=True)]
