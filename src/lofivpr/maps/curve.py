"""The rate-recall curve of a model on a map: what each quality costs in bytes, and what it finds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

NEARLY = 0.02
"""A probability so much lower is not worth more bytes: curves are measured on some hundred queries."""


@dataclass(frozen=True)
class CurvePoint:
    """One quality, measured on the queries of the calibration that it was not fitted on.

    Attributes:
        quality: as `Quality.parse` reads it.
        codec, height, bits_per_pixel: what a receiver sees of it; None where there is nothing to see.
        n_bytes: mean bytes a query; None without a codec.
        recall: percent of the queries whose best candidate lies within `within_m` of the truth (R@1).
        right: percent whose position does.
        probability: mean probability that the position does, 0 to 1.
        answered: percent that are sure enough for an answer.
        wrong: percent of the answers that are wrong; None where nothing is answered.
        queries: how many were asked.
    """

    quality: str
    codec: str | None
    height: int | None
    bits_per_pixel: float | None
    n_bytes: float | None
    recall: float
    right: float
    probability: float
    answered: float
    wrong: float | None
    queries: int

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; `CurvePoint(**values)` reads them back."""
        return asdict(self)


class Offer(Protocol):
    """A quality with its price and how sure it makes; a `CurvePoint` is one."""

    @property
    def n_bytes(self) -> float | None:
        """Bytes a query; None: cannot be sent."""

    @property
    def probability(self) -> float | None:
        """Of a right answer; None: not known, and less than any other."""


Offered = TypeVar("Offered", bound=Offer)


def best_value(curve: Sequence[Offered], probability: float, most_bytes: float | None = None) -> Offered | None:
    """The quality with the fewest bytes whose mean probability is at least `probability`.

    Where none reaches it, the fewest bytes for what is at most `NEARLY` below the highest probability. Qualities
    without bytes cannot be sent and are passed over, as are those of more than `most_bytes`; None where none is left.
    More bytes allowed never make the chosen quality less sure.
    """
    sent = [(point.n_bytes, point.probability or 0.0, point) for point in curve if point.n_bytes is not None]
    affordable = [one for one in sent if most_bytes is None or one[0] <= most_bytes]
    if not affordable:
        return None
    surest = max(sure for _, sure, _ in affordable)
    wanted = probability if surest >= probability else surest - NEARLY
    return min((one for one in affordable if one[1] >= wanted), key=lambda one: (one[0], -one[1]))[2]
