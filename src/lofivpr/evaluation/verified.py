"""What was found counted only where local features agree: the rule `inliers>20` of the paper."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from lofivpr.cores import usable_cores
from lofivpr.descriptors.prepare import ahead
from lofivpr.evaluation.judge import rejudged
from lofivpr.evaluation.outcome import Outcome, Outcomes, Scene
from lofivpr.evaluation.recall import NOT_FOUND
from lofivpr.evaluation.results import Results
from lofivpr.files import digest, write_json
from lofivpr.media import open_image
from lofivpr.places import Places, Protocol
from lofivpr.quality import Quality
from lofivpr.quality.stream import footage_of
from lofivpr.search import LocalFeatures, Matcher

OPEN_PICTURES = 256  # of the database whose features are held
RULES = "inliers 1"

Counts = dict[int, dict[int, int]]
"""Query -> database row -> inliers."""


def verify_results(
    results: Results,
    places: Places,
    verify: str = "inliers>20",
    matcher: Matcher | None = None,
    keep: Path | None = None,
) -> Results:
    """The results with a positive counted only if local features of the query, as it arrived, match its own.

    Positives are looked at in the order in which they were found, until the first that is verified. A pair of
    pictures is compared once, whatever the number of models that found it.

    Args:
        places: those that were evaluated.
        verify: `inliers>N`: more than N inliers.
        matcher: None = SIFT, the ratio test and RANSAC.
        keep: a folder for the counts, so that a second call compares only what is new.

    Raises:
        LofiError: other places, or a picture that cannot be opened any more.
    """
    matcher = LocalFeatures() if matcher is None else matcher
    protocol = replace(Protocol.from_dict(results.protocol), verify=verify)
    least = protocol.inliers_above
    assert least is not None
    outcomes: Outcomes = {}
    for quality in results.qualities:
        mine = {model: results.outcomes[model, quality] for model in results.models}
        pairs = _Pairs(results.scene, places, Quality.parse(quality), matcher, keep)
        counts = pairs.count(mine, least)
        outcomes |= {(model, quality): _counted(one, results.scene, counts, least) for model, one in mine.items()}
    ordered = {key: outcomes[key] for key in results.outcomes}
    return rejudged(results, results.scene, ordered, protocol)


def _counted(outcome: Outcome, scene: Scene, counts: Counts, least: int) -> Outcome:
    """The outcome with the rank of the first positive that is verified."""
    ranks = outcome.ranks.copy()
    for query in np.flatnonzero(ranks > 0):
        found = outcome.indices[query]
        right = np.flatnonzero(np.isin(found, scene.positives[query]))
        known = counts.get(int(query), {})
        sure = [rank for rank in right if known.get(int(found[rank]), 0) > least]
        ranks[query] = sure[0] + 1 if sure else NOT_FOUND
    return replace(outcome, ranks=ranks)


class _Pairs:
    """Queries at one quality and what was found for them, compared by local features."""

    def __init__(self, scene: Scene, places: Places, quality: Quality, matcher: Matcher, keep: Path | None) -> None:
        self.scene, self.places, self.quality, self.matcher = scene, places, quality, matcher
        key = digest(RULES, matcher.name, quality.digest, *scene.query_images, "/", *scene.database_images)
        self.path = None if keep is None else keep / f"inliers-{key}.json"
        self._database = lru_cache(maxsize=OPEN_PICTURES)(self._features_of)

    def count(self, outcomes: Mapping[str, Outcome], least: int) -> Counts:
        """Inliers of each query with the positives that are looked at."""
        counts = self._kept()
        waiting = [query for query in range(len(self.scene.query_images)) if self._next(outcomes, query, counts, least)]
        if not waiting:
            return counts
        workers = usable_cores()

        def compare(arrived: tuple[int, np.ndarray]) -> tuple[int, dict[int, int]]:
            query, picture = arrived
            return query, self._compare(outcomes, query, picture, counts.get(query, {}), least)

        counts |= dict(ahead(compare, self._arrivals(waiting), workers, 4 * workers))
        if self.path is not None:
            write_json(
                self.path, {str(query): {str(row): n for row, n in one.items()} for query, one in counts.items()}
            )
        return counts

    def _compare(
        self, outcomes: Mapping[str, Outcome], query: int, picture: np.ndarray, known: dict[int, int], least: int
    ) -> dict[int, int]:
        known = dict(known)
        mine = self.matcher.features(picture)
        while rows := self._next(outcomes, query, {query: known}, least):
            for row in rows:
                known[row] = len(self.matcher.inlier_points(mine, self._database(row)))
        return known

    def _next(self, outcomes: Mapping[str, Outcome], query: int, counts: Counts, least: int) -> set[int]:
        """For each model the first positive that it found and that was not compared, if none before is verified."""
        known, rows = counts.get(query, {}), set()
        for outcome in outcomes.values():
            if outcome.ranks[query] < 1:
                continue
            for row in outcome.indices[query][np.isin(outcome.indices[query], self.scene.positives[query])].tolist():
                if row not in known:
                    rows.add(row)
                if known.get(row, least + 1) > least:
                    break
        return rows

    def _features_of(self, row: int) -> Any:
        return self.matcher.features(open_image(self.scene.database_images[row], self.places.root))

    def _arrivals(self, queries: list[int]) -> Iterator[tuple[int, np.ndarray]]:
        """The queries as they arrive, uint8 H x W x 3, in any order."""
        images = [self.scene.query_images[query] for query in queries]
        if not self.quality.is_stream:
            for query, image in zip(queries, images, strict=True):
                yield query, self.quality.encode(open_image(image, self.places.root)).image
            return
        for footage in footage_of(images, self.places.sequences):
            for one in footage.send(self.quality, self.places.root, skip_bad=True):  # those were not searched either
                if one.image is not None:
                    yield queries[one.row], one.image

    def _kept(self) -> Counts:
        if self.path is not None:
            with suppress(OSError, ValueError, AttributeError):
                found = json.loads(self.path.read_text())
                return {int(query): {int(row): int(n) for row, n in one.items()} for query, one in found.items()}
        return {}
