"""Several models describe the same pictures: in step, and each picture is opened once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.descriptors import DescriptorStore, StaleStoreError
from lofivpr.descriptors import prepare as prepare_module
from lofivpr.models import Preprocessing
from lofivpr.quality import Quality

Make = Callable[[int], list[str]]
N = 150  # two whole blocks and one of 22
JPEG = Quality.parse("jpeg:30")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often each picture was opened."""
    counts: Counter[str] = Counter()
    original = prepare_module.open_image

    def open_image(image: str, root: Path) -> np.ndarray:
        counts[image] += 1
        return original(image, root)

    monkeypatch.setattr(prepare_module, "open_image", open_image)
    return counts


def build_all(folder: Path, describers: list[Any], images: list[str], root: Path) -> list[DescriptorStore]:
    by_folder = {folder / describer.digest: describer for describer in describers}
    return DescriptorStore.build_all(by_folder, images, root, JPEG, progress=False)


def three(make: Any) -> list[Any]:
    """Two that read pictures alike, and one that reads them larger."""
    models = [make("a"), make("b", dimension=12), make("c")]
    models[2].preprocessing = Preprocessing((16, 12), (0, 0, 0), (1, 1, 1))
    return models


def test_stores_are_those_of_each_model_alone(
    tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path, opened: Counter[str]
) -> None:
    images = make_pictures(N)
    stores = build_all(tmp_path / "together", three(make_describer), images, root)
    assert set(opened.values()) == {1} and len(opened) == N
    for store, describer in zip(stores, three(make_describer), strict=True):
        alone = DescriptorStore.build(tmp_path / describer.digest, describer, images, root, JPEG, progress=False)
        assert np.array_equal(store.array(), alone.array()) and store.digest == alone.digest
        assert store.n_bytes.tolist() == alone.n_bytes.tolist()


@pytest.mark.parametrize("failing", [0, 1, 2])
def test_an_interrupt_costs_each_store_its_own_missing_blocks(
    tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path, stops: Any, opened: Counter[str], failing: int
) -> None:
    images, models = make_pictures(N), three(make_describer)
    stopped = [stops(m, 1, KeyboardInterrupt()) if i == failing else m for i, m in enumerate(models)]
    with pytest.raises(KeyboardInterrupt):
        build_all(tmp_path, stopped, images, root)
    opened.clear()
    again = three(make_describer)
    stores = build_all(tmp_path, again, images, root)
    assert [model.described for model in again] == [[22] if i < failing else [64, 22] for i in range(3)]
    assert set(opened.values()) == {1} and len(opened) == N - 64
    assert all(len(store.array()) == N for store in stores)


def test_a_new_model_beside_finished_ones_describes_alone(
    tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path, opened: Counter[str]
) -> None:
    images = make_pictures(70)
    build_all(tmp_path, [make_describer("a")], images, root)
    first, second = make_describer("a"), make_describer("b")
    build_all(tmp_path, [first, second], images, root)
    assert (first.described, second.described) == ([], [64, 6]) and set(opened.values()) == {2}


def test_one_stale_store_stops_all_before_anything_is_described(
    tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path
) -> None:
    images, model = make_pictures(3), make_describer("b")
    build_all(tmp_path, [make_describer("a")], images, root)
    with pytest.raises(StaleStoreError, match="number of pictures"):
        build_all(tmp_path, [model, make_describer("a")], images[:2], root)
    assert model.described == []
