"""Parts of test pictures that heat is measured on: verified inliers, and on the town what each pixel shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from lofivpr.evaluation import Results
from lofivpr.evaluation.heat_share import cells_of, coverage
from lofivpr.media import open_image
from lofivpr.places.town import Label, labels_of
from lofivpr.search import LocalFeatures, Matcher
from lofivpr.studies.study import Town

INLIERS = "verified inliers"
LEAST = 20  # the paper's: a pair with no more inliers shows nothing
LOOKED_AT = 3  # positives of a query whose inliers are joined

Region = Callable[[tuple[int, ...]], np.ndarray]
"""From the shape (h, w) of a feature grid to how much of each cell is of the region: float64 h x w, 0 to 1."""


@dataclass(frozen=True)
class Covered:
    """Part of a picture: `mask` bool H x W."""

    mask: np.ndarray

    def __call__(self, shape: tuple[int, ...]) -> np.ndarray:
        return coverage(self.mask, shape)


@dataclass(frozen=True)
class Points:
    """The cells around points (m x 2, x and y) of a picture of `size` (width, height)."""

    points: np.ndarray
    size: tuple[int, int]

    def __call__(self, shape: tuple[int, ...]) -> np.ndarray:
        return cells_of(self.points, self.size, shape).astype(np.float64)


def regions_of(results: Results, queries: Sequence[int], town: Town | None) -> list[dict[str, Region]]:
    """For each query its regions by name; a query that nothing verifies has no inliers.

    Args:
        town: what the pictures were generated as, None for photographs.
    """
    images = [results.scene.query_images[query] for query in queries]
    found: list[dict[str, Region]] = [{} for _ in queries]
    if town is not None:
        for regions, labels in zip(found, labels_of(images, town.seed, town.pictures, town.size), strict=True):
            regions |= {label.name.lower(): Covered(labels == label) for label in Label if (labels == label).any()}
    for regions, query in zip(found, queries, strict=True):
        points, size = inlier_points(results, query)
        if len(points):
            regions[INLIERS] = Points(points, size)
    return found


def inlier_points(results: Results, query: int, matcher: Matcher | None = None) -> tuple[np.ndarray, tuple[int, int]]:
    """Where the sharp query has inliers with its first positives that the first model found: m x 2, and its size.

    Every pair of more than 20 inliers counts; the places are the same for all models and qualities.
    """
    matcher, scene = LocalFeatures() if matcher is None else matcher, results.scene
    sharp = open_image(scene.query_images[query], scene.root)
    mine = matcher.features(sharp)
    points: list[np.ndarray] = []
    first = results.outcomes[results.models[0], results.qualities[0]].indices[query]
    for row in first[np.isin(first, scene.positives[query])][:LOOKED_AT]:
        other = matcher.features(open_image(scene.database_images[int(row)], scene.root))
        inliers = matcher.inlier_points(mine, other)
        if len(inliers) > LEAST:
            points.append(inliers)
    joined = np.concatenate(points) if points else np.zeros((0, 2), np.float32)
    return joined, (sharp.shape[1], sharp.shape[0])
