from __future__ import annotations

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.places import Places
from lofivpr.training import Recipe
from lofivpr.training.sampling import Relations, Sampler


def _recipe(*settings: str) -> Recipe:
    base = ["batch=tuples", "batch_size=4", "positives=10m", "negative_radius_m=30", "negatives=5"]
    return Recipe.load("paper").with_settings([*base, "qualities=[raw, '48p', '48p/jpeg:10']", *settings])


def test_a_tuple_is_query_nearest_positive_and_far_negatives(places: Places) -> None:
    rng = np.random.default_rng(0)
    descriptors = rng.normal(size=(len(places), 8)).astype(np.float32)
    recipe = _recipe("positives=25m")
    xy = places.xy()
    for batch in Sampler(recipe, places, lambda rows: descriptors[rows]).epoch(0):
        for query, positive, *negatives in batch.indices.reshape(-1, 7):
            near = [j for j in range(len(places)) if np.hypot(*(xy[j] - xy[query])) <= 25 and j != query]
            assert positive == max(near, key=lambda j: float(descriptors[j] @ descriptors[query]))
            assert len(set(negatives)) == 5
            assert all(np.hypot(*(xy[n] - xy[query])) > 30 for n in negatives)


def test_every_picture_is_a_query_once_an_epoch_and_epochs_differ(places: Places) -> None:
    sampler = Sampler(_recipe(), places)
    first, second = ([b.indices.reshape(-1, 7)[:, 0] for b in sampler.epoch(e)] for e in (0, 1))
    assert sorted(np.concatenate(first)) == list(range(len(places)))
    assert not np.array_equal(np.concatenate(first), np.concatenate(second))


def test_an_epoch_does_not_depend_on_where_it_starts(places: Places) -> None:
    sampler = Sampler(_recipe(), places)
    whole, tail = list(sampler.epoch(3)), list(sampler.epoch(3, first_step=5))
    for a, b in zip(whole[5:], tail, strict=True):
        np.testing.assert_array_equal(a.indices, b.indices)
        assert a.qualities == b.qualities


def test_all_qualities_are_drawn_one_per_picture(places: Places) -> None:
    sampler = Sampler(_recipe("batch=pictures", "batch_size=24"), places)
    drawn = [quality for epoch in range(10) for batch in sampler.epoch(epoch) for quality in batch.qualities]
    counts = np.array([drawn.count(quality) for quality in sampler.ladder])
    assert counts.sum() == 480 and counts.min() > 120


def test_an_isolated_picture_is_never_its_own_positive(places: Places) -> None:
    relations = Relations(places.select([0, 1, 10]), "10m", 30.0)
    assert [list(rows) for rows in relations.positives] == [[1], [0], []]
    assert list(relations.anchors) == [0, 1]
    with pytest.raises(LofiError, match="positives"):
        _ = Relations(places.select([0, 10, 20]), "10m", 30.0).anchors


def test_too_few_negatives_is_an_error(places: Places) -> None:
    few = places.select(list(range(6)))
    with pytest.raises(LofiError, match="negative_radius_m"):
        list(Sampler(_recipe(), few).epoch(0))


def test_places_batches_hold_positives_together(places: Places) -> None:
    sampler = Sampler(_recipe("batch=places", "per_place=3", "positives=25m"), places)
    assert sampler.relations is not None
    for batch in sampler.epoch(0):
        for anchor, *others in batch.indices.reshape(-1, 3):
            assert set(others) <= set(sampler.relations.positives[anchor])


def test_shards_keep_items_whole_and_cover_the_batch(places: Places) -> None:
    batch = next(Sampler(_recipe(), places).epoch(0))
    parts = [batch.shard(rank, 2, 7) for rank in range(2)]
    assert all(len(part.indices) == 14 for part in parts)
    joined = np.concatenate([part.indices.reshape(-1, 7) for part in parts])
    assert {tuple(item) for item in joined} == {tuple(item) for item in batch.indices.reshape(-1, 7)}
