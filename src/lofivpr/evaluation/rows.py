"""What an evaluation says, as records that check themselves and are the rows of results.json."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Record(BaseModel):
    """A frozen record; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSide(Record):
    """What the queries were compared with: how many pictures, who described them, at which quality."""

    images: int
    model: str
    quality: str


class Row(Record):
    """Recall of one model at one quality. `recall` and `interval` are in percent, by N.

    `bytes_per_query` is the mean size of an encoded query, None at a quality without codec.
    `queries` counts every query that could be read, those without a positive included.
    """

    model: str
    quality: str
    protocol: str
    queries: int
    queries_without_positives: int
    database: DatabaseSide
    bytes_per_query: float | None
    recall: dict[int, float]
    interval: dict[int, tuple[float, float]]


class DifferenceRow(Record):
    """Paired difference in points of recall@n: (model, quality) minus (against, against_quality)."""

    model: str
    quality: str
    against: str
    against_quality: str
    n: int
    mean: float
    low: float
    high: float

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.low > 0 or self.high < 0


class RateRow(Record):
    """Bjontegaard difference of `model` to `against` along a ladder of qualities, or why there is none."""

    ladder: str
    qualities: list[str]
    model: str
    against: str
    percent: float | None = None
    interval: tuple[float, float] | None = None
    recall_range: tuple[float, float] | None = None
    refused: str | None = None

    @property
    def clear(self) -> bool:
        """Whether there is an interval and it leaves out zero."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)


class SkippedPicture(Record):
    """A picture left out because the caller asked for bad ones to be skipped."""

    image: str
    reason: str
