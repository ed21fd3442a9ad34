"""`Fix`: the answer to "where was this picture taken?", and the candidates it stands on."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

from lofivpr.errors import LofiError

T = TypeVar("T", "Candidate", "Fix")


@dataclass(frozen=True)
class Candidate:
    """One place of the map that resembles the query.

    Attributes:
        ref: reference of the place's picture, relative to the root of the map's places.
        lat, lon: degrees; None (or NaN, taken as None) where the map does not know.
        heading: degrees clockwise from north in [0, 360), or None.
        similarity: cosine of both descriptors, -1 to 1; 1 - d / 2 for squared L2 distance d of unit vectors.
        row: the place's row in the map.
    """

    ref: str
    lat: float | None
    lon: float | None
    heading: float | None
    similarity: float
    row: int

    def __post_init__(self) -> None:
        _none_for_nan(self, "lat", "lon", "heading")
        _check_position(self.lat, self.lon)
        if not math.isfinite(self.similarity):
            raise ValueError(f"expected a finite similarity, found {self.similarity}")
        if self.row < 0:
            raise ValueError(f"expected a row of the map, found {self.row}")

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `from_dict` reads them back."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Candidate:
        """The candidate that `to_dict` wrote; fields it does not know are left aside.

        Raises:
            LofiError: a field is missing or damaged.
        """
        return _made(cls, values)


@dataclass(frozen=True)
class Fix:
    """Where a query was taken, how surely, and whether that is sure enough to be an answer.

    The position is the best guess also where `answered` is False: whoever uses it then does so knowingly.

    Attributes:
        candidates: the places that resemble the query most, best first.
        lat, lon: degrees, of the candidates that agree; None where no candidate has a position.
        probability: that the position is within `within_m` metres of the truth, 0 to 1, by the map's
            calibration; None where the map has none.
        within_m: metres.
        answered: whether the answer is sure enough; without a calibration, whether there is a position.
        reason: why it was not answered, in words; None where it was.
        spread_m: similarity-weighted root mean square distance of the agreeing candidates from the position, in
            metres; None where there is no position.
    """

    candidates: tuple[Candidate, ...]
    lat: float | None
    lon: float | None
    probability: float | None
    within_m: float
    answered: bool
    reason: str | None
    spread_m: float | None

    def __post_init__(self) -> None:
        object.__setattr__(self, "candidates", tuple(self.candidates))
        _none_for_nan(self, "lat", "lon", "spread_m", "probability")
        _check_position(self.lat, self.lon)
        if self.probability is not None and not 0 <= self.probability <= 1:
            raise ValueError(f"expected a probability, found {self.probability}")
        if not (math.isfinite(self.within_m) and self.within_m > 0):
            raise ValueError(f"expected metres above 0, found {self.within_m}")
        if self.spread_m is not None and not (math.isfinite(self.spread_m) and self.spread_m >= 0):
            raise ValueError(f"expected a spread in metres, found {self.spread_m}")
        if self.answered != (self.reason is None) or (self.answered and self.lat is None):
            raise ValueError("expected an answer with a position, or a reason why there is none")

    @property
    def best(self) -> Candidate | None:
        """The candidate that resembles the query most."""
        return self.candidates[0] if self.candidates else None

    def abstained(self, reason: str) -> Fix:
        """The same guess, no longer given as an answer."""
        return replace(self, answered=False, reason=reason)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON, None where there is no number, never NaN; `from_dict` reads them back."""
        plain = {f.name: getattr(self, f.name) for f in fields(self)}
        return plain | {"candidates": [candidate.to_dict() for candidate in self.candidates]}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Fix:
        """The fix that `to_dict` wrote; fields it does not know (a newer server's) are left aside.

        Raises:
            LofiError: a field is missing or damaged.
        """
        candidates = tuple(Candidate.from_dict(one) for one in values.get("candidates", ()))
        return _made(cls, {**values, "candidates": candidates})


def _made(cls: type[T], values: Mapping[str, Any]) -> T:
    names = [f.name for f in fields(cls)]
    try:
        return cls(**{name: values[name] for name in names})
    except (KeyError, TypeError, ValueError) as error:
        found = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise LofiError(
            f"expected a {cls.__name__} with {', '.join(names)}, found {found}. "
            "Server and client may be of different versions: install the same."
        ) from error


def _none_for_nan(value: Any, *names: str) -> None:
    """Columns of numbers write an unknown as NaN; JSON has no NaN."""
    for name in names:
        number = getattr(value, name)
        if number is not None and math.isnan(number):
            object.__setattr__(value, name, None)


def _check_position(lat: float | None, lon: float | None) -> None:
    if (lat is None) != (lon is None):
        raise ValueError(f"expected latitude and longitude or neither, found {lat}, {lon}")
    if lat is not None and lon is not None and not (-90 <= lat <= 90 and -180 <= lon <= 180):
        raise ValueError(f"expected degrees, found latitude {lat}, longitude {lon}")
