"""Fit a `Calibration`: queries of a training area asked of a map of that area, at all qualities.

The panoramas are parted: on one part the probability is fitted, on the other the threshold is tested and everything
that is reported is measured, so that neither flatters itself.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lofivpr.errors import LofiError
from lofivpr.maps.abstain import Threshold, check_promise, learn_threshold, one_of_each, order_of_testing
from lofivpr.maps.asked import Asked, Questions
from lofivpr.maps.calibration import Calibration, Guarantee
from lofivpr.maps.curve import CurvePoint
from lofivpr.maps.evidence import evidence
from lofivpr.maps.logistic import Logistic, fit_logistic, reliability
from lofivpr.maps.map import Map
from lofivpr.models import Describer
from lofivpr.places import Cases, Places, Positives, Protocol
from lofivpr.quality import Quality

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
ABSENT_RADIUS = 4.0
"""Times `within_m`: how far around an absent query the map is taken away."""


@dataclass(frozen=True)
class Terms:
    """How a calibration is made.

    Attributes:
        within_m: what counts as right, in metres.
        wrong_at_most, confidence: the promise of the threshold, as shares; see `abstain.Threshold`.
        guarantee: "mix" or "each", see `Calibration`.
        protocol: "roles", or "leave-panorama-out", which asks with every picture and so proves more.
        views: how many pictures of each panorama are asked, drawn at random; None: all. One is enough for the
            threshold, the others only steady the fit and the curve.
        absent: share of the panoramas whose surroundings are taken out of the map while they are asked: whatever
            is answered to them is wrong. With 0 the probability is that of a query on the map, and the promise is
            for such; with the share of askers who are elsewhere it is that of whoever asks, and lower.
        fit_share: share of the panoramas that the probability is fitted on.
        candidates: how many places a search brings.
        seed: of the parting and the drawing.
    """

    within_m: float = 25.0
    wrong_at_most: float = 0.05
    confidence: float = 0.9
    guarantee: Guarantee = "mix"
    protocol: str = "roles"
    views: int | None = None
    absent: float = 0.0
    fit_share: float = 1 / 3
    candidates: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        check_promise(self.wrong_at_most, self.confidence)
        counts = self.candidates >= 2 and (self.views is None or self.views >= 1)
        if not (0 <= self.absent < 1 and 0 < self.fit_share < 1 and counts and self.within_m > 0):
            raise LofiError(
                "expected metres above 0, shares between 0 and 1, at least 1 view and 2 candidates, found "
                f"{self}. Correct what is out of range."
            )


def calibrate(
    describer: Describer,
    map_describer: Describer,
    places: Places,
    qualities: Sequence[Quality],
    terms: Terms | None = None,
    *,
    dtype: str = "float16",
    cache: str | Path | None = None,
    progress: bool = False,
) -> Calibration:
    """The calibration of `describer` on maps that `map_describer` made.

    Args:
        describer: describes the queries.
        map_describer: describes the map: the same model, or its teacher.
        places: a training area, never the area of the map that is served nor of the test.
        qualities: all that queries will come in.
        dtype: how the map's descriptors are stored, as in the map that is served.
        cache: a folder for the area's map and descriptors, so that a second call goes on where the first stopped.

    Raises:
        LofiError: of places, pictures and models; too few panoramas.
    """
    terms = terms or Terms()
    if not qualities:
        raise LofiError("expected at least one quality to calibrate at, found none. Name one, for example raw.")
    cases = _fewer(Protocol(name=terms.protocol, positives=Positives("metres", terms.within_m)).cases(places), terms)
    with ExitStack() as stack:
        folder = Path(cache) if cache else Path(stack.enter_context(tempfile.TemporaryDirectory()))
        name = f"map-{map_describer.digest}-{cases.database.digest}-{dtype}"
        town = Map.build(map_describer, cases.database, folder / name, dtype=dtype, progress=progress)
        town.require_model(describer)
        questions = _questions(cases, terms)
        asked = [
            questions.ask(town, describer, quality, terms.candidates, terms.within_m, folder / "queries", progress)
            for quality in dict.fromkeys(qualities)
        ]
    return calibration_of(asked, terms, describer.digest, map_describer.digest, _origin(places, cases))


def _fewer(cases: Cases, terms: Terms) -> Cases:
    """The same with at most so many queries of each panorama."""
    if terms.views is None:
        return cases
    groups = cases.queries.groups()
    order = np.random.default_rng([terms.seed, 4]).permutation(len(groups))
    seen: dict[int, int] = {}
    kept = []
    for row in order:
        seen[groups[row]] = seen.get(groups[row], 0) + 1
        if seen[groups[row]] <= terms.views:
            kept.append(int(row))
    rows = sorted(kept)
    excluded = None if cases.excluded is None else [cases.excluded[row] for row in rows]
    return Cases(cases.queries.select(rows), cases.database, [cases.positives[row] for row in rows], excluded)


def _questions(cases: Cases, terms: Terms) -> Questions:
    """The queries, and the rows that each may not find: its own panorama, and around absent ones the whole area."""
    if not terms.absent:
        return Questions.of(cases.queries, cases.excluded)
    groups = cases.queries.groups()
    names = np.unique(groups)
    drawn = np.random.default_rng([terms.seed, 1]).permutation(names)[: round(terms.absent * len(names))]
    absent = np.isin(groups, drawn)
    near = cKDTree(cases.database.points()).query_ball_point(cases.queries.points(), ABSENT_RADIUS * terms.within_m)
    own = cases.excluded or [np.empty(0, np.int64)] * len(groups)
    excluded = [
        np.union1d(rows, np.array(around, np.int64)) if gone else rows
        for rows, around, gone in zip(own, near, absent, strict=True)
    ]
    return Questions.of(cases.queries, excluded, absent)


def _origin(places: Places, cases: Cases) -> dict[str, Any]:
    return {
        "places": places.digest,
        "splits": places.splits,
        "queries": len(cases.queries),
        "database": len(cases.database),
        "panoramas": len(np.unique(cases.queries.groups())),
    }


def calibration_of(
    asked: Sequence[Asked], terms: Terms, model: str, map_model: str, origin: dict[str, Any] | None = None
) -> Calibration:
    """Fit, test and measure on what was asked: the same pictures at each quality.

    Raises:
        LofiError: fewer than four panoramas.
    """
    fitted_on = part_groups(asked[0].groups, terms.fit_share, terms.seed)
    values = [evidence(one.similarity, one.points, one.found, one.seen, terms.within_m) for one in asked]
    right = np.concatenate([one.right[fitted_on] for one in asked])
    logistic = fit_logistic(np.concatenate([value[fitted_on] for value in values]), right)
    said = [_sureness(logistic, value, one) for value, one in zip(values, asked, strict=True)]
    thresholds = _thresholds(asked, said, fitted_on, terms)
    held = ~fitted_on
    tested = np.concatenate([one.right[held] for one in asked])
    curve = []
    deciding = thresholds[1:] if terms.guarantee == "each" else thresholds[:1] * len(asked)
    for one, sure, threshold in zip(asked, said, deciding, strict=True):
        curve.append(point_of(one, sure, threshold, held & one.on_map))
    return Calibration(
        within_m=terms.within_m,
        candidates=terms.candidates,
        model=model,
        map_model=map_model,
        logistic=logistic,
        thresholds=thresholds,
        guarantee=terms.guarantee,
        curve=tuple(curve),
        reliability=reliability(np.concatenate([sure[held] for sure in said]), tested),
        made_from={**asdict(terms), **(origin or {})},
    )


def part_groups(groups: Indices, share: float, seed: int) -> Bools:
    """bool Q: the queries of about `share` of the groups, at least two groups on either side.

    Raises:
        LofiError: fewer than four groups.
    """
    names = np.unique(groups)
    if len(names) < 4:
        raise LofiError(
            f"expected queries of at least 4 panoramas to calibrate on, found {len(names)}. Take more pictures, or "
            "the protocol leave-panorama-out, which asks with every picture."
        )
    count = int(np.clip(round(share * len(names)), 2, len(names) - 2))
    chosen = np.random.default_rng([seed, 2]).permutation(names)[:count]
    return np.isin(groups, chosen)


def _sureness(logistic: Logistic, values: Floats, one: Asked) -> Floats:
    return np.where(np.isfinite(one.found.points).all(axis=1), logistic.probability(values), 0.0)


def _thresholds(
    asked: Sequence[Asked], said: Sequence[Floats], fitted_on: Bools, terms: Terms
) -> tuple[Threshold, ...]:
    """That of the mix, then one for each quality: on one picture of each panorama that was not fitted on."""
    held, groups = np.flatnonzero(~fitted_on), asked[0].groups
    rows = held[one_of_each(groups[held], terms.seed)]
    # For the mix each panorama is asked at one quality, drawn evenly.
    drawn = np.random.default_rng([terms.seed, 3]).integers(len(asked), size=len(rows))
    sure, right = np.stack(said), np.stack([one.right for one in asked])
    promise = (terms.wrong_at_most, terms.confidence)
    order = order_of_testing(sure[:, fitted_on].ravel(), right[:, fitted_on].ravel(), len(rows), *promise)
    found = [learn_threshold(order, sure[drawn, rows], right[drawn, rows], *promise)]
    for number, one in enumerate(asked):
        order = order_of_testing(sure[number, fitted_on], right[number, fitted_on], len(rows), *promise)
        found.append(learn_threshold(order, sure[number, rows], right[number, rows], *promise, one.quality))
    return tuple(found)


def point_of(one: Asked, sure: Floats, threshold: Threshold, among: Bools) -> CurvePoint:
    """What a quality costs and finds, over the queries of `among` (bool Q)."""
    answered, right = threshold.answers(sure)[among], one.right[among]
    n_bytes = one.n_bytes[among]
    bits = [seen.bits_per_pixel for seen in one.seen if seen.bits_per_pixel is not None]
    heights = [seen.height for seen in one.seen if seen.height is not None]
    return CurvePoint(
        quality=one.quality,
        codec=one.seen[0].codec,
        height=int(np.median(heights)) if heights else None,
        bits_per_pixel=float(np.median(bits)) if bits else None,
        n_bytes=float(n_bytes.mean()) if (n_bytes >= 0).all() else None,
        recall=percent(one.first_right[among]),
        right=percent(right),
        probability=float(sure[among].mean()),
        answered=percent(answered),
        wrong=percent(~right[answered]) if answered.any() else None,
        queries=int(among.sum()),
    )


def percent(share: Bools) -> float:
    """The percentage of True."""
    return 100.0 * float(np.mean(share))
