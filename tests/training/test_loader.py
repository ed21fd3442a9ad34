from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.models import Preprocessing
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.training import Recipe
from lofivpr.training.loader import load_batches
from lofivpr.training.quality_cache import QualityCache
from lofivpr.training.sampling import Sampler

SETTINGS = ["qualities=[raw, '16p', '48p/jpeg:5..50', '48p/h265:qp30..48']", "batch_size=8", "epochs=1"]
PREPROCESSING = Preprocessing(size=(64, 48), mean=(0.1, 0.2, 0.3), std=(1.0, 2.0, 3.0))


@pytest.mark.parametrize("cached", [True, False])
def test_batches_come_in_order_as_the_receiver_sees_them(cached: bool, places: Places, tmp_path: Path) -> None:
    sampler = Sampler(Recipe.load("all-qualities").with_settings(SETTINGS), places)
    cache = QualityCache.build(places, sampler.foreseen(), tmp_path) if cached else None
    batches = list(sampler.epoch(0))
    loaded = list(load_batches(places, iter(batches), PREPROCESSING, cache=cache))
    assert [batch for batch, _ in loaded] == batches and len(batches) == 6
    for batch, pixels in loaded:
        assert pixels.dtype == np.float32 and pixels.shape == (8, 3, 48, 64)
        for row, quality, found in zip(batch.indices, batch.qualities, pixels, strict=True):
            seen = PREPROCESSING.resize(quality.encode(places.open_image(int(row))).image)
            expected = (seen / 255 - [0.1, 0.2, 0.3]) / [1.0, 2.0, 3.0]
            np.testing.assert_allclose(found, expected.transpose(2, 0, 1), atol=1e-6)


def test_what_was_encoded_ahead_is_not_encoded_again(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sampler = Sampler(Recipe.load("all-qualities").with_settings([*SETTINGS, "views=2"]), places)
    cache = QualityCache.build(places, sampler.foreseen(), tmp_path)
    monkeypatch.setattr(Quality, "_encode_still", None)
    assert len(list(load_batches(places, sampler.epoch(0), PREPROCESSING, cache=cache))) == sampler.steps == 12


def test_a_lost_picture_is_an_error_in_its_turn(places: Places) -> None:
    sampler = Sampler(Recipe.load("all-qualities").with_settings(SETTINGS), places)
    batches = list(sampler.epoch(0))
    lost = int(batches[1].indices[3])
    broken = places.select(range(len(places)))
    broken.images[lost] = "lost.png"
    loaded = load_batches(broken, batches, PREPROCESSING)
    assert next(loaded)[0] is batches[0]
    with pytest.raises(LofiError, match="lost.png"):
        next(loaded)
