"""How honest a calibrated map is: measured on held-out queries, and on queries from where the map is not."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.maps.abstain import clopper_pearson_upper
from lofivpr.maps.asked import Asked, Questions
from lofivpr.maps.calibrate import percent
from lofivpr.maps.calibration import Calibration
from lofivpr.maps.logistic import Reliability, reliability
from lofivpr.maps.map import Map
from lofivpr.models import Describer
from lofivpr.places import Places
from lofivpr.quality import Quality


@dataclass(frozen=True)
class HonestyRow:
    """One quality. Percentages; None where there is nothing to count.

    Attributes:
        right: of the queries on the map, whose position was within reach, answered or not.
        answered: of them, that were answered.
        wrong: of the answers, that were wrong; `wrong_upper`: its 95 % upper bound (Clopper-Pearson), with as many
            answers as panoramas were answered, since pictures of one are wrong together.
        probability: mean over the queries; `ece` its calibration error.
        answered_elsewhere: of the queries from an area that is not on the map, that were answered, all falsely.
    """

    quality: str
    queries: int
    right: float
    probability: float
    ece: float
    answered: float
    wrong: float | None
    wrong_upper: float | None
    answered_elsewhere: float | None


@dataclass(frozen=True)
class Honesty:
    """The table: one row a quality, then the mix of all; and the reliability diagram over the mix."""

    wrong_at_most: float
    confidence: float
    within_m: float
    rows: tuple[HonestyRow, ...]
    reliability: Reliability

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        rows = [asdict(row) for row in self.rows]
        return {**asdict(self), "rows": rows, "reliability": self.reliability.to_dict()}

    def markdown(self) -> str:
        """The table for a results page."""
        lines = [
            "| quality | queries | right % | mean probability | ECE | answered % | wrong % of answers (at most) | "
            "answered off the map % |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in self.rows:
            wrong = "-" if row.wrong is None else f"{row.wrong:.1f} ({row.wrong_upper:.1f})"
            elsewhere = "-" if row.answered_elsewhere is None else f"{row.answered_elsewhere:.1f}"
            lines.append(
                f"| `{row.quality}` | {row.queries} | {row.right:.1f} | {row.probability:.3f} | {row.ece:.3f} | "
                f"{row.answered:.1f} | {wrong} | {elsewhere} |"
            )
        return "\n".join(lines) + "\n"


def honesty(
    town: Map,
    describer: Describer,
    queries: Places,
    qualities: Sequence[Quality | str],
    elsewhere: Places | None = None,
    *,
    calibration: Calibration | None = None,
    cache: str | Path | None = None,
    progress: bool = False,
) -> Honesty:
    """Ask a calibrated map with queries whose positions are known.

    Args:
        queries: in the area of the map, such as `places.split("test").queries`.
        elsewhere: queries from an area that is not on the map, such as `places.split("train").queries`: every
            answer to them is wrong.
        calibration: instead of the map's own.
        cache: a folder for descriptors, so that a second call goes on where the first stopped.

    Raises:
        LofiError: the map is not calibrated, or for another model.
    """
    chosen = calibration or Calibration.read(town.calibration_path)
    if chosen is None:
        raise LofiError(f"expected a calibrated map, found none at {town.folder}. Run `lofivpr map calibrate` first.")
    chosen.check_models(describer.digest, town.model_digest)
    points = [Quality.parse(quality) if isinstance(quality, str) else quality for quality in qualities]
    with ExitStack() as stack:
        folder = Path(cache) if cache else Path(stack.enter_context(tempfile.TemporaryDirectory()))

        def ask(places: Places | None) -> list[Asked]:
            if places is None:
                return []
            questions = Questions.of(places)
            k, within = chosen.candidates, chosen.within_m
            return [questions.ask(town, describer, quality, k, within, folder, progress) for quality in points]

        return honesty_of(chosen, ask(queries), ask(elsewhere))


def honesty_of(calibration: Calibration, asked: Sequence[Asked], elsewhere: Sequence[Asked] = ()) -> Honesty:
    """The table of what was asked on the map and, at the same qualities, from elsewhere."""
    here = [judged(calibration, one) for one in asked]
    away = [judged(calibration, one) for one in elsewhere]
    mix = Judged.join(here)
    lost: list[Judged | None] = [*away, Judged.join(away)] if away else [None] * (len(here) + 1)
    names = [*(one.quality for one in asked), "mix"]
    threshold = calibration.thresholds[0]
    return Honesty(
        wrong_at_most=threshold.wrong_at_most,
        confidence=threshold.confidence,
        within_m=calibration.within_m,
        rows=tuple(_row(*row) for row in zip(names, [*here, mix], lost, strict=True)),
        reliability=reliability(mix.sure, mix.right),
    )


@dataclass(frozen=True, eq=False)
class Judged:
    """Q queries: `sure` float64, `right` and `answered` bool, `groups` int64."""

    sure: np.ndarray
    right: np.ndarray
    answered: np.ndarray
    groups: np.ndarray

    @classmethod
    def join(cls, parts: Sequence[Judged]) -> Judged:
        """All of them together."""
        names = ("sure", "right", "answered", "groups")
        return cls(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def judged(calibration: Calibration, one: Asked) -> Judged:
    """Probabilities and decisions of what was asked."""
    sure = calibration.probability(one.similarity, one.points, one.found, one.seen)
    limits = [calibration.threshold(seen).probability for seen in one.seen]
    answered = sure >= np.array([np.inf if limit is None else limit for limit in limits])
    return Judged(sure, one.right, answered, one.groups)


def _row(quality: str, here: Judged, away: Judged | None) -> HonestyRow:
    answered = here.answered
    wrong = float(np.mean(~here.right[answered])) if answered.any() else None
    upper = None
    if wrong is not None:
        panoramas = len(np.unique(here.groups[answered]))
        upper = 100 * clopper_pearson_upper(int(np.ceil(wrong * panoramas)), panoramas, 0.95)
    return HonestyRow(
        quality=quality,
        queries=len(here.right),
        right=percent(here.right),
        probability=float(here.sure.mean()),
        ece=reliability(here.sure, here.right).ece,
        answered=percent(answered),
        wrong=None if wrong is None else 100 * wrong,
        wrong_upper=upper,
        answered_elsewhere=None if away is None else percent(away.answered),
    )
