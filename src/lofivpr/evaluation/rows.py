"""What an evaluation says, as records that check themselves and are the rows of results.json."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from lofivpr.evaluation.bootstrap import Difference


class Record(BaseModel):
    """A frozen record; unknown fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class DatabaseSide(Record):
    """What the queries were compared with: how many pictures, who described them, at which quality."""

    images: int
    model: str
    quality: str


class StreamRate(Record):
    """What a stream takes of the link, at `fps` frames per second: thousands of bytes and of bits a second."""

    fps: float
    kbytes_per_second: float
    kbits_per_second: float

    @classmethod
    def of(cls, bytes_per_frame: float, fps: float) -> StreamRate:
        """The rate of a stream of frames of so many bytes."""
        rate = bytes_per_frame * fps / 1000
        return cls(fps=fps, kbytes_per_second=rate, kbits_per_second=8 * rate)


class Row(Record):
    """Recall of one model at one quality. `recall` and `interval` are in percent, by N.

    `bytes_per_query` is the mean size of an encoded query, None at a quality without codec; of a stream the
    mean of all its frames, those between queries included, whose rate is `stream`.
    `queries` counts every query that could be read, those without a positive included. `unverified`: recall without
    the verification that the protocol asks for, None where it asks for none.
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
    stream: StreamRate | None = None
    unverified: dict[int, float] | None = None


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
    def points(self) -> Difference:
        """The difference itself."""
        return Difference(self.mean, self.low, self.high)

    @property
    def clear(self) -> bool:
        """Whether the interval leaves out zero."""
        return self.points.clear


class RateBound(Record):
    """What holds at one recall only, the best of `against` on the ladder, where two curves share too little.

    `model` reaches it at `quality` with `n_bytes` a query, `against` at `against_quality` with
    `against_bytes`: `percent` fewer bytes at least. `difference` is the paired interval, in points, of the
    model's recall minus that of `against` at these two qualities.
    """

    percent: float
    quality: str
    n_bytes: float
    recall: float
    against_quality: str
    against_bytes: float
    against_recall: float
    difference: tuple[float, float]


class RateRow(Record):
    """Bjontegaard difference of `model` to `against` along a ladder of qualities, or why there is none.

    `bound` is no Bjontegaard difference; it is there only where that was refused.
    """

    ladder: str
    qualities: list[str]
    model: str
    against: str
    percent: float | None = None
    interval: tuple[float, float] | None = None
    recall_range: tuple[float, float] | None = None
    refused: str | None = None
    bound: RateBound | None = None

    @property
    def clear(self) -> bool:
        """Whether there is an interval and it leaves out zero."""
        return self.interval is not None and (self.interval[0] > 0 or self.interval[1] < 0)


class RecoveredRow(Record):
    """Share of what a quality takes from `against` that `model` gives back; 1.0 is all of it."""

    model: str
    against: str
    quality: str
    share: float
    interval: tuple[float, float] | None


class WorstRung(Record):
    """The quality at which a model gives back least."""

    quality: str
    share: float


class RecoveredSummary(Record):
    """Mean recovered share of a model over the qualities that have one, and the worst of them."""

    model: str
    against: str
    mean: float
    interval: tuple[float, float] | None
    worst: WorstRung


class Recovered(Record):
    """Recovered shares: a row for each model and quality that has one, a summary for each model."""

    rungs: tuple[RecoveredRow, ...] = ()
    models: tuple[RecoveredSummary, ...] = ()

    def share(self, model: str, quality: str) -> RecoveredRow | None:
        """The share of one model at one quality, None where its reference loses too little."""
        return next((r for r in self.rungs if (r.model, r.quality) == (model, quality)), None)


class DescriptorRow(Record):
    """The rival of sending pictures: `model` runs on the device, and its descriptor of the raw picture is sent.

    `coding`: float16, int8 or pq64 (64 bytes of product quantization), and so on. `recall` and `interval`
    are those of `Row`, None with the reason in `refused`. `milliseconds`: median of one picture on the
    machine that evaluated.
    """

    model: str
    coding: str
    bytes_per_query: int
    milliseconds: float
    recall: dict[int, float] | None = None
    interval: dict[int, tuple[float, float]] | None = None
    refused: str | None = None


class SkippedPicture(Record):
    """A picture left out because the caller asked for bad ones to be skipped."""

    image: str
    reason: str
