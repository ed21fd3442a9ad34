"""The same neighbours judged by another rule of what is right: nothing is described or searched anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from lofivpr.evaluation.count import counted_recall, without_positives
from lofivpr.evaluation.outcome import Outcome, Outcomes, Scene
from lofivpr.evaluation.recall import counted_queries, first_correct
from lofivpr.evaluation.results import Results
from lofivpr.places import Places, Positives, Protocol


def judge(results: Results, places: Places, positives: str | Positives) -> Results:
    """The results under another rule of positives; without `descriptor_rate`, whose neighbours are not kept.

    Args:
        places: those that were evaluated.

    Raises:
        LofiError: other places, or no query is left to count.
    """
    stated = Protocol.from_dict(results.protocol)
    protocol = replace(stated, positives=Positives.parse(positives), verify=None)  # what was verified were others
    cases = protocol.cases(places)
    right = tuple(cases.positives)
    scene = replace(results.scene, positives=right, counted=counted_queries(right, protocol.without_positives))
    outcomes = {key: _judged(outcome, scene) for key, outcome in results.outcomes.items()}
    return rejudged(results, scene, outcomes, protocol)


def _judged(outcome: Outcome, scene: Scene) -> Outcome:
    ranks = first_correct(outcome.indices, scene.positives)
    return replace(outcome, ranks=np.where(outcome.measured, ranks, outcome.ranks))


def rejudged(results: Results, scene: Scene, outcomes: Outcomes, protocol: Protocol) -> Results:
    """Results of `outcomes`: rows counted again, everything else that was measured kept."""
    rows = []
    for row in results.rows:
        outcome = outcomes[row.model, row.quality]
        recall, interval = counted_recall(outcome, scene, protocol)
        side = row.database
        named = replace(protocol, database_model=side.model, database_quality=side.quality, query_quality=row.quality)
        update = {
            "protocol": str(named),
            "recall": recall,
            "interval": interval,
            "queries_without_positives": without_positives(outcome, scene),
            "unverified": None if protocol.verify is None else row.unverified or row.recall,
        }
        rows.append(row.model_copy(update=update))
    return Results.compare(
        rows,
        outcomes,
        scene,
        references=results.references,
        protocol=protocol.to_dict(),
        skipped=results.skipped,
        describers=results.describers,
    )
