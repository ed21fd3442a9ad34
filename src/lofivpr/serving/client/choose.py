"""Which quality to send: from the map's rate-recall curve and what the link and the client allow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lofivpr.errors import LofiError
from lofivpr.maps.curve import CurvePoint, best_value
from lofivpr.quality import Quality

UNCALIBRATED = {"240p/h264:qp48": 610, "240p/h264:qp42": 1400, "240p/h264:qp36": 3300, "240p/h264:qp30": 7000}
"""Tried on a map without a curve: mean bytes of photographs of streets, 320 x 240. Which is sure enough is unknown."""


@dataclass(frozen=True)
class Step:
    """A quality that can be sent.

    Attributes:
        quality: with a codec.
        listed: mean bytes of a picture on the curve.
        probability: mean probability of a right answer; None where the map is not calibrated.
        ratio: of the bytes that this client's pictures take to those on the curve.
    """

    quality: Quality
    listed: float
    probability: float | None
    ratio: float = 1.0

    @property
    def n_bytes(self) -> float:
        """That a picture of this client is expected to take."""
        return self.listed * self.ratio


def steps_of(about: Mapping[str, Any]) -> tuple[Step, ...]:
    """What can be sent to a service that says this of itself (`GET /v1/map`); qualities that it does not take, or
    that have no bytes, are left out.

    Raises:
        LofiError: it takes descriptors alone, or the curve cannot be read.
    """
    if not about["model"]["describes"]:
        raise LofiError("expected a service that describes pictures, found one without a model. Start it with --model.")
    calibration, taken = about["calibration"], about["accepts"]["stream"]
    try:
        curve = [CurvePoint(**point) for point in (calibration or {}).get("curve", ())]
        found = [(Quality.parse(one.quality), one) for one in curve]
    except (TypeError, LofiError) as error:
        raise LofiError(f"expected a rate-recall curve from the service, found {error}. Update this package.") from None
    sent = [Step(quality, one.n_bytes, one.probability) for quality, one in found if one.n_bytes is not None]
    sent = [step for step in sent if step.quality.codec in taken]
    return tuple(sent or (Step(Quality.parse(text), size, None) for text, size in UNCALIBRATED.items()))


def for_size(steps: Sequence[Step], size: tuple[int, int]) -> list[Step]:
    """The same for pictures of `size` (width, height): a resolution above theirs is left out of a quality."""
    return [replace(step, quality=_within(step.quality, size)) for step in steps]


def _within(quality: Quality, size: tuple[int, int]) -> Quality:
    if quality.height is None or (quality.height <= size[1] and (quality.width or 0) <= size[0]):
        return quality
    return replace(quality, width=None, height=None)


def choose(steps: Sequence[Step], probability: float, soft: float, hard: float) -> Step | None:
    """The fewest bytes for the wanted probability.

    Where none within the limits is that sure, the fewest bytes for nearly the surest of them; without a calibration
    the most bytes within them.

    Args:
        probability: wanted.
        soft: bytes that are exceeded only where even the cheapest step does.
        hard: bytes that are never exceeded.

    Returns:
        None where every step has more than `hard` bytes.
    """
    allowed = [step for step in steps if step.n_bytes <= hard]
    affordable = [step for step in allowed if step.n_bytes <= soft]
    if not affordable:
        return min(allowed, key=lambda step: step.n_bytes, default=None)
    if any(step.probability is None for step in affordable):
        return max(affordable, key=lambda step: step.n_bytes)
    return best_value(affordable, probability)


def better(steps: Sequence[Step], than: Step, most_bytes: float) -> Step | None:
    """For a second question: the fewest bytes that halve the doubt, or nearly the surest; None where none is surer."""
    sure = than.probability
    if sure is None:
        return None
    surer = [step for step in steps if step.probability is not None and step.probability > sure]
    return best_value(surer, (1 + sure) / 2, most_bytes)
