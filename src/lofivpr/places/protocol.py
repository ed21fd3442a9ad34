"""`Protocol`: all that a recall depends on besides the model, named and versioned."""

from __future__ import annotations

import difflib
import re
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from lofivpr.places.datasets import Terms, named_terms
from lofivpr.places.geodesy import PlacesError
from lofivpr.places.places import Places
from lofivpr.places.positives import Positives
from lofivpr.places.selection import apart, asked_of

VERIFY = re.compile(r"inliers>(\d+)")
GENERAL = ("roles", "leave-panorama-out")  # fit any places; all others are of public data sets


@dataclass(frozen=True)
class Cases:
    """The questions of a protocol and their right answers.

    Attributes:
        queries: Q pictures.
        database: N pictures.
        positives: for each query the rows of its positives in the database, int64, ascending.
        excluded: for each query the rows of the database that may not be retrieved, or None when all may.
    """

    queries: Places
    database: Places
    positives: list[npt.NDArray[np.int64]]
    excluded: list[npt.NDArray[np.int64]] | None = None

    def __post_init__(self) -> None:
        lengths = {len(self.queries), len(self.positives), len(self.excluded or self.positives)}
        if len(lengths) != 1:
            raise ValueError(f"expected positives and excluded for each query, found lengths {sorted(lengths)}")

    @property
    def queries_without_positives(self) -> int:
        """How many queries have no right answer."""
        return sum(len(rows) == 0 for rows in self.positives)


@dataclass(frozen=True)
class Protocol:
    """How places are asked and judged.

    `roles`: the pictures of role query are searched among those of role database. `leave-panorama-out`: every
    picture is once a query, its database all pictures of other panoramas (a picture without panorama leaves
    only itself out). The protocols of public data sets, such as `pitts30k-test`, are one of these two on a part
    of the pictures that `datasets.yaml` fixes, with positives and counting as published: see `named`.

    Attributes:
        without_positives: a query without right answer is a `miss` (the field's habit) or left out, `drop`.
        database_model: whose descriptors the database holds; `own` means the model of the queries.
        database_quality, query_quality: the qualities of both sides.
        places: digest of the places that are asked; empty until `on(places)`.
        verify: `inliers>20`, of the paper: what is found counts only if so many local features match; None = always.
    """

    name: str = "roles"
    positives: Positives = field(default_factory=lambda: Positives("metres", 25.0))
    without_positives: Literal["miss", "drop"] = "miss"
    database_model: str = "own"
    database_quality: str = "raw"
    query_quality: str = "raw"
    places: str = ""
    version: int = 1
    verify: str | None = None

    def __post_init__(self) -> None:
        known = named_terms()
        if self.name not in known or known[self.name].version != self.version:
            near = [*GENERAL, *difflib.get_close_matches(self.name, known, n=4)]
            raise PlacesError(
                f"expected a protocol (such as {', '.join(f'{name} v{known[name].version}' for name in near)}), found "
                f"{self.name} v{self.version}. docs/data.md lists all."
            )
        self._check_terms()
        if self.without_positives not in ("miss", "drop"):
            raise PlacesError(f"expected without_positives miss or drop, found {self.without_positives!r}.")
        if self.verify is not None and VERIFY.fullmatch(self.verify) is None:
            raise PlacesError(f"expected verify such as inliers>20, found {self.verify!r}.")

    @property
    def inliers_above(self) -> int | None:
        """Local features must match in more places than this for what is found to count; None = always counts."""
        match = None if self.verify is None else VERIFY.fullmatch(self.verify)
        return None if match is None else int(match[1])

    def _check_terms(self) -> None:
        """A published protocol keeps its positives and its counting; the two general ones have none of their own."""
        if self.name in GENERAL:
            return
        fixed = (self.terms.positives, self.terms.without_positives)
        found = (str(self.positives), self.without_positives)
        if found != fixed:
            raise PlacesError(
                f"expected positives {fixed[0]} and without_positives {fixed[1]}, which {self.name} fixes, found "
                f"{found[0]} and {found[1]}. Use Protocol.named({self.name!r}), or one of {', '.join(GENERAL)}."
            )

    @classmethod
    def named(cls, name: str) -> Protocol:
        """A protocol with the positives, the counting and the version that its name stands for.

        Raises:
            PlacesError: no such protocol.
        """
        if name not in named_terms():
            return cls(name)  # its message names the near ones
        terms = named_terms()[name]
        counting: Any = terms.without_positives
        return cls(name, Positives.parse(terms.positives), counting, version=terms.version)

    @property
    def terms(self) -> Terms:
        """What the name fixes besides positives and counting: the pictures that are asked and searched."""
        return named_terms()[self.name]

    def __str__(self) -> str:
        counted = "count as misses" if self.without_positives == "miss" else "are left out"
        return (
            f"{self.name} v{self.version}: positives {self.positives}, queries without positives {counted}, "
            f"database of {self.database_model} at {self.database_quality}, queries at {self.query_quality}"
            + (f", counted if {self.verify}" if self.verify else "")
            + (f", places {self.places}" if self.places else "")
            + (f" (discouraged: {self.terms.discouraged})" if self.terms.discouraged else "")
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        return asdict(self) | {"positives": str(self.positives)}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Protocol:
        """The protocol that `to_dict` wrote.

        Raises:
            PlacesError: a field or version that this package does not know.
        """
        unknown = set(values) - set(cls.__dataclass_fields__)
        if unknown:
            raise PlacesError(f"expected the fields of a protocol, found also {', '.join(sorted(unknown))}.")
        known = dict(values)
        if "positives" in known:
            known["positives"] = Positives.parse(known["positives"])
        return cls(**known)

    def on(self, places: Places) -> Protocol:
        """This protocol with the digest of the places it is asked on."""
        return replace(self, places=places.digest)

    def cases(self, places: Places) -> Cases:
        """The queries, the database and the right answers in `places` (usually one split).

        Raises:
            PlacesError: no queries or no database, what the positives need is missing, no query has a
                positive, or the places are not those whose digest the protocol carries.
        """
        if self.places and self.places != places.digest:
            raise PlacesError(
                f"expected the places {self.places} of the protocol, found {places.digest}. "
                "Use the same places.csv and split, or make the protocol anew."
            )
        asked = asked_of(places, self.terms)
        cases = self._by_roles(asked) if self.terms.kind == "roles" else self._leave_panorama_out(asked)
        if cases.queries_without_positives == len(cases.queries):
            raise PlacesError(
                f"expected queries with positives by {self.positives}, found none among {len(cases.queries)} "
                f"queries and {len(cases.database)} pictures of the database. Widen the positives or choose "
                "another split."
            )
        return cases

    def _by_roles(self, places: Places) -> Cases:
        queries, database = places.queries, places.database
        found = self.positives.find(queries, database)
        if not self.terms.together:
            return Cases(queries, database, found)
        outside = apart(queries, database, self.terms.together)
        positives = [np.setdiff1d(rows, out) for rows, out in zip(found, outside, strict=True)]
        return Cases(queries, database, positives, outside)

    def _leave_panorama_out(self, places: Places) -> Cases:
        members: dict[str, list[int]] = {}
        labels = [
            f"panorama {name}" if name is not None else f"row {row}"
            for row, name in enumerate(places.column("panorama"))
        ]
        for row, label in enumerate(labels):
            members.setdefault(label, []).append(row)
        excluded = [np.array(members[label], dtype=np.int64) for label in labels]
        found = self.positives.find(places, places)
        positives = [np.setdiff1d(rows, out) for rows, out in zip(found, excluded, strict=True)]
        return Cases(places, places, positives, excluded)
