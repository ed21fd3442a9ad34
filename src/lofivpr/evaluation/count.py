"""What an outcome comes to: recall with its interval."""

from __future__ import annotations

from lofivpr.errors import LofiError
from lofivpr.evaluation.bootstrap import bootstrap_interval
from lofivpr.evaluation.outcome import Outcome, Scene
from lofivpr.evaluation.recall import NS, hits_of_ranks, recall_of_hits
from lofivpr.places import Protocol


def counted_recall(
    outcome: Outcome, scene: Scene, protocol: Protocol
) -> tuple[dict[int, float], dict[int, tuple[float, float]]]:
    """Recall and its interval in percent, by N.

    Raises:
        LofiError: no query is left to count.
    """
    kept = scene.counted & outcome.measured
    if not kept.any():
        raise LofiError(
            f"expected at least one query that counts, found none: of {len(kept)} queries "
            f"{int(outcome.measured.sum())} are readable and {int(scene.counted.sum())} count "
            f"({protocol}). Widen the positives or check the positions."
        )
    hits = hits_of_ranks(outcome.ranks[kept], NS)
    low, high = bootstrap_interval(hits, scene.groups[kept])
    recall = dict(zip(NS, recall_of_hits(hits).tolist(), strict=True))
    return recall, {n: (float(a), float(b)) for n, a, b in zip(NS, low, high, strict=True)}


def without_positives(outcome: Outcome, scene: Scene) -> int:
    """How many of the queries that were measured have no right answer."""
    return int(sum(len(right) == 0 and known for right, known in zip(scene.positives, outcome.measured, strict=True)))
