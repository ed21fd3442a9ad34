"""The published start of NetVLAD and VLAD: k-means on local features of training pictures."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import torch

from lofivpr.models.aggregators.vlad import VLAD
from lofivpr.models.config import ModelError
from lofivpr.models.netvlad import NetVLAD
from lofivpr.models.place_model import PlaceModel

KMEANS_ROUNDS = 50
READ_AHEAD = 16  # pictures held at once


def initialise_netvlad(
    model: PlaceModel,
    images: Iterable[np.ndarray],
    seed: int = 0,
    *,
    max_images: int = 500,
    per_image: int = 100,
) -> float:
    """Set centroids and assignment from k-means of L2-normalised local features (500 x 100 published).

    Args:
        model: with a NetVLAD aggregator; changed in place.
        images: uint8 H x W x 3 training pictures. From a sequence, `max_images` are drawn by `seed`; of
            any other iterable the first `max_images` are taken, so shuffle it.
        seed: of the pictures, the locations and the k-means.

    Returns:
        alpha, the sharpness of the soft assignment.

    Raises:
        ModelError: no NetVLAD aggregator, or fewer local features than clusters.
    """
    aggregator = model.aggregator
    if not isinstance(aggregator, NetVLAD):
        raise ModelError(f"expected a model with a NetVLAD aggregator, found {model.config.aggregator}.")
    centroids, local = _clustered(model, images, aggregator.clusters, seed, max_images, per_image)
    weight, alpha = assignment_weights(centroids, local)
    with torch.no_grad():
        aggregator.centroids.copy_(torch.from_numpy(centroids))
        aggregator.assignment.weight.copy_(torch.from_numpy(weight)[:, :, None, None])
    return alpha


def initialise_vocabulary(
    model: PlaceModel, images: Iterable[np.ndarray], seed: int = 0, *, max_images: int = 500, per_image: int = 100
) -> None:
    """Set the centroids of a VLAD aggregator: k-means of L2-normalised local features of one's own pictures.

    AnyLoc (Keetha et al., 2023) calls them the vocabulary of a domain. Arguments as of `initialise_netvlad`.

    Raises:
        ModelError: no VLAD aggregator, or fewer local features than clusters.
    """
    aggregator = model.aggregator
    if not isinstance(aggregator, VLAD):
        raise ModelError(f"expected a model with a VLAD aggregator, found {model.config.aggregator}.")
    centroids, _ = _clustered(model, images, aggregator.clusters, seed, max_images, per_image)
    with torch.no_grad():
        aggregator.centroids.copy_(torch.from_numpy(centroids))


def kmeans(points: np.ndarray, clusters: int, seed: int = 0) -> np.ndarray:
    """Centres of k-means (FAISS; squared L2): points float32 N x D to float32 clusters x D."""
    import faiss

    algorithm = faiss.Kmeans(
        points.shape[1],
        clusters,
        niter=KMEANS_ROUNDS,
        seed=seed,
        min_points_per_centroid=1,
        max_points_per_centroid=len(points),
    )
    algorithm.train(np.ascontiguousarray(points, dtype=np.float32))
    return np.asarray(algorithm.centroids, dtype=np.float32).reshape(clusters, points.shape[1])


def assignment_weights(centroids: np.ndarray, local: np.ndarray) -> tuple[np.ndarray, float]:
    """Assignment weights alpha * unit(centroid), and alpha.

    alpha = -ln(0.01) / mean(best - second best similarity of a feature with the unit centroids): on
    average, the second best cluster gets 1 % of the weight of the best.

    Args:
        centroids: K x D. local: N x D, unit length.
    """
    unit = centroids / np.maximum(np.linalg.norm(centroids, axis=1, keepdims=True), 1e-12)
    if len(unit) < 2:
        return unit.astype(np.float32), 1.0
    best = np.partition(local @ unit.T, -2, axis=1)[:, -2:].astype(np.float64)
    gap = max(float(np.mean(best[:, 1] - best[:, 0])), 1e-6)
    alpha = -math.log(0.01) / gap
    return (alpha * unit).astype(np.float32), alpha


def _clustered(
    model: PlaceModel, images: Iterable[np.ndarray], clusters: int, seed: int, max_images: int, per_image: int
) -> tuple[np.ndarray, np.ndarray]:
    """Centroids (clusters x C) of local features, and these (N x C, unit length)."""
    rng = np.random.default_rng(seed)
    local = _local_features(model, _choose(images, max_images, rng), per_image, rng)
    if len(local) < clusters:
        raise ModelError(
            f"expected at least {clusters} local features, one a cluster, found {len(local)}. "
            "Give more training pictures."
        )
    return kmeans(local, clusters, seed), local


def _choose(images: Iterable[np.ndarray], count: int, rng: np.random.Generator) -> Iterable[np.ndarray]:
    if not isinstance(images, Sequence):
        return islice(images, count)
    chosen = rng.permutation(len(images))[:count]
    return (images[int(i)] for i in chosen)


def _local_features(
    model: PlaceModel, images: Iterable[np.ndarray], per_image: int, rng: np.random.Generator
) -> np.ndarray:
    """Unit-length features at random locations: float32 (images * per_image) x C."""
    parts = [np.empty((0, model.backbone.channels), dtype=np.float32)]
    iterator = iter(images)
    while batch := list(islice(iterator, READ_AHEAD)):
        for features in model.features(batch):
            locations = features.reshape(len(features), -1).T
            chosen = locations[rng.permutation(len(locations))[:per_image]]
            parts.append(chosen / np.maximum(np.linalg.norm(chosen, axis=1, keepdims=True), 1e-12))
    return np.concatenate(parts)
