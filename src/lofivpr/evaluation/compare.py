"""Comparisons on the same queries: of models, of qualities with raw, of rate curves."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from lofivpr.evaluation.bootstrap import Difference, paired_difference, resampled_means
from lofivpr.evaluation.outcome import Outcome, Outcomes, Scene
from lofivpr.evaluation.rate import MIN_POINTS, RateError, bd_rate, bd_rate_interval, saving_at_best
from lofivpr.evaluation.rows import DifferenceRow, RateBound, RateRow, Row

RATE_DRAWS = 300  # each draw fits two curves: enough for a 95 % interval, and a second a pair


def outcome_difference(a: Outcome, b: Outcome, scene: Scene, n: int = 1) -> Difference:
    """Paired difference of recall@n, a - b in points, over the queries that both measured."""
    both = scene.counted & a.measured & b.measured
    return paired_difference(a.hits(n)[both], b.hits(n)[both], scene.groups[both])


def model_differences(
    references: dict[str, str], outcomes: Outcomes, scene: Scene, ns: Sequence[int]
) -> list[DifferenceRow]:
    """Each model against its reference at every quality, for each n.

    Args:
        references: model -> the model it is compared with, usually its teacher.
    """
    return [
        _difference_row((model, quality), (references[model], quality), outcomes, scene, n)
        for model, quality in outcomes
        if model in references and (references[model], quality) in outcomes
        for n in ns
    ]


def channel_costs(outcomes: Outcomes, scene: Scene, ns: Sequence[int]) -> list[DifferenceRow]:
    """Each model at each quality against itself on raw queries: what the channel costs it."""
    return [
        _difference_row((model, quality), (model, "raw"), outcomes, scene, n)
        for model, quality in outcomes
        if quality != "raw" and (model, "raw") in outcomes
        for n in ns
    ]


def _difference_row(a: tuple[str, str], b: tuple[str, str], outcomes: Outcomes, scene: Scene, n: int) -> DifferenceRow:
    change = outcome_difference(outcomes[a], outcomes[b], scene, n)
    return DifferenceRow(
        model=a[0],
        quality=a[1],
        against=b[0],
        against_quality=b[1],
        n=n,
        mean=change.mean,
        low=change.low,
        high=change.high,
    )


def ladder_name(quality: str) -> str:
    """The ladder that a quality is a rung of, one resolution and one codec: `240p/jpeg` of `240p/jpeg:5`.

    Streams of a frame rate are on a ladder of their own: `240p/h265@10fps`.
    """
    head, slash, codec = quality.rpartition("/")
    rate = re.search(r"@[^,]*", codec)
    return f"{head}{slash}{re.split('[:@]', codec)[0]}{rate[0] if rate else ''}"


def ladders(rows: Sequence[Row]) -> dict[str, list[str]]:
    """Ladder -> its qualities with a codec, in order.

    Resolutions and codecs are never mixed: a curve through points of different kinds is none that anyone
    could move along, and a difference of two such says nothing.
    """
    named: dict[str, list[str]] = {}
    for quality in dict.fromkeys(row.quality for row in rows if row.bytes_per_query):
        named.setdefault(ladder_name(quality), []).append(quality)
    return named


def rate_differences(
    rows: Sequence[Row], references: dict[str, str], outcomes: Outcomes, scene: Scene
) -> list[RateRow]:
    """Bjontegaard difference of each model to its reference on every ladder of enough rungs."""
    table = {(row.model, row.quality): row for row in rows}
    return [
        _rate_row(name, rungs, model, against, table, outcomes, scene)
        for name, rungs in ladders(rows).items()
        if len(rungs) >= MIN_POINTS
        for model, against in references.items()
    ]


def _rate_row(
    ladder: str,
    rungs: list[str],
    model: str,
    against: str,
    table: dict[tuple[str, str], Row],
    outcomes: Outcomes,
    scene: Scene,
) -> RateRow:
    row = RateRow(ladder=ladder, qualities=rungs, model=model, against=against)
    n_bytes = [[table[m, q].bytes_per_query or 0.0 for q in rungs] for m in (model, against)]
    recall = [[table[m, q].recall[1] for q in rungs] for m in (model, against)]
    try:
        found = bd_rate(n_bytes[0], recall[0], n_bytes[1], recall[1])
    except RateError as error:
        bound = _bound(row, table, outcomes, scene)
        return row.model_copy(update={"refused": str(error), "bound": bound})
    both = [[outcomes[m, q] for q in rungs] for m in (model, against)]
    kept = scene.counted & np.logical_and.reduce([o.measured for o in (*both[0], *both[1])])
    draws = [_recall_draws(side, kept, scene.groups) for side in both]
    low, high = bd_rate_interval(n_bytes[0], draws[0], n_bytes[1], draws[1])
    return row.model_copy(
        update={
            "percent": found.percent,
            "interval": None if low is None or high is None else (low, high),
            "recall_range": (found.recall_low, found.recall_high),
        }
    )


def _bound(row: RateRow, table: dict[tuple[str, str], Row], outcomes: Outcomes, scene: Scene) -> RateBound | None:
    """The saving at the reference's best recall, None where the model does not reach it or saves nothing."""
    mine, theirs = ([table[name, rung] for rung in row.qualities] for name in (row.model, row.against))
    pair = saving_at_best(
        *(([r.bytes_per_query or 0.0 for r in side], [r.recall[1] for r in side]) for side in (mine, theirs))
    )
    if pair is None:
        return None
    own, other = mine[pair[0]], theirs[pair[1]]
    change = outcome_difference(outcomes[own.model, own.quality], outcomes[other.model, other.quality], scene)
    assert own.bytes_per_query and other.bytes_per_query
    return RateBound(
        percent=100.0 * (1.0 - own.bytes_per_query / other.bytes_per_query),
        quality=own.quality,
        n_bytes=own.bytes_per_query,
        recall=own.recall[1],
        against_quality=other.quality,
        against_bytes=other.bytes_per_query,
        against_recall=other.recall[1],
        difference=(change.low, change.high),
    )


def _recall_draws(outcomes: list[Outcome], kept: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Percent, RATE_DRAWS x qualities; the same seed gives both models the same samples of queries."""
    hits = np.stack([outcome.hits(1)[kept] for outcome in outcomes], axis=1)
    return 100.0 * resampled_means(hits, groups[kept], RATE_DRAWS)
