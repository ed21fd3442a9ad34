from __future__ import annotations

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.places import Places
from lofivpr.quality import Quality
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
    counts = np.array([drawn.count(entry.low) for entry in sampler.draws.ladder])
    assert counts.sum() == 480 and counts.min() == 160


def test_in_k_epochs_every_picture_shows_each_draw_once(places: Places) -> None:
    sampler = Sampler(_recipe("batch=pictures", "batch_size=12", "qualities=['48p/jpeg:1..100', raw]"), places)
    seen: dict[int, list[Quality]] = {row: [] for row in range(len(places))}
    for epoch in range(8):
        for batch in sampler.epoch(epoch):
            for row, quality in zip(batch.indices, batch.qualities, strict=True):
                seen[int(row)].append(quality)
    assert all(sorted(map(str, seen[row])) == sorted(map(str, sampler.draws.of(row))) for row in seen)


def test_views_of_a_picture_stand_side_by_side_at_different_draws(places: Places) -> None:
    recipe = _recipe("batch=pictures", "batch_size=12", "views=4", "qualities=[raw, '48p', '24p', '16p']")
    sampler = Sampler(recipe, places)
    batches = list(sampler.epoch(0))
    rows = np.concatenate([batch.indices for batch in batches]).reshape(-1, 4)
    assert [len(batch.indices) for batch in batches] == [12] * 16
    assert (rows == rows[:, :1]).all() and sorted(rows[:, 0]) == list(range(len(places)))
    seen: dict[int, list[str]] = {row: [] for row in range(len(places))}
    for batch in [*batches, *sampler.epoch(1)]:
        for row, quality in zip(batch.indices, batch.qualities, strict=True):
            seen[int(row)].append(str(quality))
    for row in seen:  # two epochs of four views: all eight draws
        assert sorted(seen[row]) == sorted(map(str, sampler.draws.of(row)))
    part = batches[0].shard(1, 3, recipe.pictures_per_item)
    np.testing.assert_array_equal(part.indices, batches[0].indices[4:8])


@pytest.mark.parametrize("batch", ["pictures", "tuples", "places"])
def test_what_is_seen_was_foreseen(batch: str, places: Places) -> None:
    settings = ["epochs=2", "per_place=2", "steps_per_epoch=20", "qualities=['48p/jpeg:1..100', raw, '16p']"]
    sampler = Sampler(_recipe(f"batch={batch}", *settings), places)
    foreseen = {row: set(qualities) for row, qualities in sampler.foreseen()}
    seen: dict[int, set[Quality]] = {}
    for epoch in range(2):
        for one in sampler.epoch(epoch):
            for row, quality in zip(one.indices, one.qualities, strict=True):
                seen.setdefault(int(row), set()).add(quality)
    assert all(seen[row] <= foreseen[row] for row in seen)
    if batch == "pictures":  # 80 turns of 48 pictures an epoch: at most two draws each
        assert max(map(len, foreseen.values())) <= 4


def test_an_isolated_picture_is_never_its_own_positive(places: Places) -> None:
    relations = Relations(places.select([0, 1, 10]), "10m", 30.0)
    assert [list(rows) for rows in relations.positives] == [[1], [0], []]
    assert list(relations.anchors) == [0, 1]
    with pytest.raises(LofiError, match="positives"):
        _ = Relations(places.select([0, 10, 20]), "10m", 30.0).anchors


def test_too_few_negatives_is_an_error(places: Places) -> None:
    few = places.select(list(range(6)))
    with pytest.raises(LofiError, match="negative_radius_m") as refused:
        list(Sampler(_recipe(), few).epoch(0))
    assert [image for image in few.images if f"from {image}, found" in str(refused.value)], "the picture is named"


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
