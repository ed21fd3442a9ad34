from __future__ import annotations

import math

import numpy as np
import pytest

from lofivpr.models import ModelError, PlaceModel, create_model, initialise_netvlad
from lofivpr.models.initialise import assignment_weights, kmeans


def unit(points: np.ndarray) -> np.ndarray:
    return (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)


def blobs(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    centres = unit(np.eye(4, 6) + 0.1 * rng.standard_normal((4, 6)))
    return centres, unit(centres.repeat(50, axis=0) + 0.02 * rng.standard_normal((200, 6)))


def test_alpha_is_the_published_formula() -> None:
    centres, local = blobs()
    centroids = 0.7 * centres  # k-means centres of unit vectors are shorter than one
    weight, alpha = assignment_weights(centroids, local)
    gaps = []
    for x in local:
        similarities = sorted(float(c / np.linalg.norm(c) @ x) for c in centroids)
        gaps.append(similarities[-1] - similarities[-2])
    assert alpha == pytest.approx(-math.log(0.01) / np.mean(gaps), rel=1e-5)
    np.testing.assert_allclose(weight, alpha * centres, rtol=1e-4, atol=1e-4)


def test_second_best_gets_about_one_percent_of_the_best() -> None:
    centres, local = blobs()
    weight, _ = assignment_weights(centres, local)
    logits = np.sort(local @ weight.T, axis=1)
    assert np.exp(np.mean(logits[:, -2] - logits[:, -1])) == pytest.approx(0.01, rel=1e-3)


def test_kmeans_ends_in_a_fixed_point() -> None:
    """Each centre is the mean of the points nearest to it, and none is empty."""
    local = unit(np.random.default_rng(0).standard_normal((300, 6)))
    found = kmeans(local, 5, seed=1)
    owner = np.linalg.norm(local[:, None] - found, axis=2).argmin(axis=1)
    for k in range(5):
        np.testing.assert_allclose(found[k], local[owner == k].mean(axis=0), atol=1e-5)
    np.testing.assert_array_equal(found, kmeans(local, 5, seed=1))
    assert not np.array_equal(found, kmeans(local, 5, seed=2))


def test_model_holds_centres_and_scaled_units(tiny: PlaceModel, pictures: list[np.ndarray]) -> None:
    alpha = initialise_netvlad(tiny, pictures, seed=7)
    centroids = tiny.aggregator.centroids.detach().numpy()
    weight = tiny.aggregator.assignment.weight.detach().numpy()[:, :, 0, 0]
    np.testing.assert_allclose(weight, alpha * unit(centroids), rtol=1e-4, atol=1e-4)
    # Each centre is the mean of the unit features nearest to it: the fixed point of k-means.
    local = tiny.features(pictures).transpose(0, 2, 3, 1).reshape(-1, 32)
    local = unit(local)
    owner = np.linalg.norm(local[:, None] - centroids, axis=2).argmin(axis=1)
    for k in range(4):
        np.testing.assert_allclose(centroids[k], local[owner == k].mean(axis=0), atol=1e-4)


def test_the_seed_decides_and_iterables_are_read_once(pictures: list[np.ndarray]) -> None:
    digests = []
    for images, seed in ((pictures, 1), (pictures, 1), (pictures, 2), (iter(pictures), 1)):
        model = create_model("tiny", size=(96, 64), clusters=4)
        initialise_netvlad(model, images, seed=seed, per_image=10)
        digests.append(model.digest)
    assert digests[0] == digests[1] != digests[2]
    assert digests[3] not in digests[:3]  # another order of pictures, but it works


def test_too_few_features_and_other_aggregators(pictures: list[np.ndarray]) -> None:
    with pytest.raises(ModelError, match="at least 64 local features.*found 24"):
        initialise_netvlad(create_model("tiny", size=(96, 64)), pictures[:1])
    with pytest.raises(ModelError, match="NetVLAD aggregator, found gem"):
        initialise_netvlad(create_model("gem-tiny"), pictures)
