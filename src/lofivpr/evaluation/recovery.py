"""The recovered share: how much of the recall that a channel takes from the teacher the student gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.evaluation.bootstrap import DRAWS, LEVEL, percentiles, resampled_means
from lofivpr.evaluation.outcome import Outcomes, Scene
from lofivpr.evaluation.rows import Recovered, RecoveredRow, RecoveredSummary, WorstRung

LEAST_LOSS = 5.0
"""Points that the teacher must lose at a rung; of less, a share would be the ratio of two noises."""
FEW_UNDEFINED = 0.05
"""Part of the draws that may have no share before the interval is left out."""

Interval = tuple[float, float]


@dataclass(frozen=True)
class Shares:
    """Recovered shares over R rungs, 1.0 = all of what the teacher loses; NaN where it loses too little.

    share: float64 R. intervals: R, None where there is no share or too few draws had one. mean, interval:
    over the rungs that have a share; None without any.
    """

    share: np.ndarray
    intervals: tuple[Interval | None, ...]
    mean: float | None
    interval: Interval | None

    @property
    def worst(self) -> int | None:
        """The rung of the least share, the first of equals; None without any share."""
        return None if self.mean is None else int(np.nanargmin(self.share))


def share_of_loss(student: np.ndarray, teacher: np.ndarray, sharp: np.ndarray, least: float = 0.0) -> np.ndarray:
    """(student - teacher) / (sharp - teacher), elementwise and broadcast; NaN unless sharp - teacher > 0 and >= least.

    Args:
        student, teacher: recall at a rung. sharp: recall of the teacher on raw queries. All in one unit.
    """
    lost = np.subtract(sharp, teacher, dtype=np.float64)
    kept = (lost > 0) & (lost > least - 1e-9)  # 5 points are 5 points, however they are rounded
    return np.divide(np.subtract(student, teacher, dtype=np.float64), lost, out=np.full(lost.shape, np.nan), where=kept)


def recovered_shares(
    student: np.ndarray,
    teacher: np.ndarray,
    sharp: np.ndarray,
    groups: np.ndarray,
    least: float = LEAST_LOSS,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Shares:
    """Recovered share at each rung and on average, with cluster-bootstrap intervals.

    The same draws of whole groups serve all three terms and all rungs. Which rungs count is decided once,
    on all queries. A draw in which the teacher loses nothing at a rung has no share there; an interval is
    left out when more than one draw in twenty has none, or when there is one group only.

    Args:
        student, teacher: bool Q x R, hits at each rung. sharp: bool Q, the teacher's on raw queries.
        groups: int Q, the panorama or sequence of each query.
        least: points of recall that the teacher must lose.

    Raises:
        LofiError: the shapes do not agree, or there are no queries.
    """
    _check(student, teacher, sharp, groups)
    rungs = student.shape[1]
    hits = np.concatenate([student, teacher, sharp[:, None]], axis=1)
    recall = 100.0 * hits.mean(axis=0)
    share = share_of_loss(recall[:rungs], recall[rungs:-1], recall[-1:], least)
    counted = np.isfinite(share)
    if not counted.any():
        return Shares(share, (None,) * rungs, None, None)
    mean = float(share[counted].mean())
    if len(np.unique(groups)) < 2:
        return Shares(share, (None,) * rungs, mean, None)
    drawn = resampled_means(hits, groups, draws, seed)
    drawn_share = share_of_loss(drawn[:, :rungs], drawn[:, rungs:-1], drawn[:, -1:])
    intervals = tuple(_interval(drawn_share[:, r], level) if counted[r] else None for r in range(rungs))
    return Shares(share, intervals, mean, _interval(drawn_share[:, counted].mean(axis=1), level))


def _interval(values: np.ndarray, level: float) -> Interval | None:
    """Percentiles of the draws that have a share, None where too many have none."""
    defined = values[np.isfinite(values)]
    if len(defined) < (1 - FEW_UNDEFINED) * len(values):
        return None
    low, high = percentiles(defined, level)
    return float(low), float(high)


def _check(student: np.ndarray, teacher: np.ndarray, sharp: np.ndarray, groups: np.ndarray) -> None:
    queries = len(groups)
    if student.ndim != 2 or student.shape != teacher.shape or len(student) != queries or sharp.shape != (queries,):
        raise LofiError(
            f"expected hits of student and teacher as queries x rungs, and of the teacher at raw, all for {queries} "
            f"queries, found {student.shape}, {teacher.shape} and {sharp.shape}. Evaluate all on the same queries."
        )
    if queries == 0:
        raise LofiError("expected at least one query for a recovered share, found none.")


def recovered(references: dict[str, str], outcomes: Outcomes, scene: Scene) -> Recovered:
    """The recovered share in R@1 of every model that has a reference, at every rung where that loses enough.

    Over the queries that both models measured at every rung. Empty where the reference's raw queries, or
    the rungs, were not evaluated.
    """
    rungs: list[RecoveredRow] = []
    models: list[RecoveredSummary] = []
    for model, against in references.items():
        names = [q for m, q in outcomes if m == model and q != "raw" and (against, q) in outcomes]
        if not names or (against, "raw") not in outcomes:
            continue
        shares = _shares(model, against, names, outcomes, scene)
        if shares is None or shares.mean is None or shares.worst is None:
            continue
        for name, share, interval in zip(names, shares.share.tolist(), shares.intervals, strict=True):
            if np.isfinite(share):
                rungs.append(RecoveredRow(model=model, against=against, quality=name, share=share, interval=interval))
        worst = WorstRung(quality=names[shares.worst], share=float(shares.share[shares.worst]))
        models.append(
            RecoveredSummary(model=model, against=against, mean=shares.mean, interval=shares.interval, worst=worst)
        )
    return Recovered(rungs=tuple(rungs), models=tuple(models))


def _shares(model: str, against: str, rungs: Sequence[str], outcomes: Outcomes, scene: Scene) -> Shares | None:
    mine, theirs = ([outcomes[name, rung] for rung in rungs] for name in (model, against))
    sharp = outcomes[against, "raw"]
    kept = scene.counted & np.logical_and.reduce([outcome.measured for outcome in (*mine, *theirs, sharp)])
    if not kept.any():
        return None
    student, teacher = (np.stack([outcome.hits(1)[kept] for outcome in side], axis=1) for side in (mine, theirs))
    return recovered_shares(student, teacher, sharp.hits(1)[kept], scene.groups[kept])
