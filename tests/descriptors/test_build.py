from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.descriptors import DescriptorStore, StaleStoreError
from lofivpr.descriptors import prepare as prepare_module
from lofivpr.descriptors.manifest import MANIFEST
from lofivpr.errors import LofiError
from lofivpr.quality import Quality

Make = Callable[[int], list[str]]
N = 150  # two whole blocks and one of 22


def build(folder: Path, describer: Any, images: Sequence[str], root: Path, **options: Any) -> DescriptorStore:
    return DescriptorStore.build(folder, describer, images, root, progress=False, **options)


class TestReuse:
    def test_nothing_is_read_or_described_again(
        self, tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path, monkeypatch: Any
    ) -> None:
        images = make_pictures(70)
        first = build(tmp_path / "store", make_describer(), images, root)
        manifest = (tmp_path / "store" / MANIFEST).stat().st_ino

        def refuse(*_: object) -> None:
            raise AssertionError("a picture was read")

        monkeypatch.setattr(prepare_module, "open_image", refuse)
        monkeypatch.setattr(prepare_module, "image_digest", refuse)
        again = make_describer()
        store = build(tmp_path / "store", again, images, root)
        assert again.described == []
        assert (tmp_path / "store" / MANIFEST).stat().st_ino == manifest
        np.testing.assert_array_equal(store.array(), first.array())

    def test_copied_pictures_are_the_same_pictures(
        self, tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path
    ) -> None:
        images = make_pictures(5)
        build(tmp_path / "store", make_describer(), images, root)
        copy = tmp_path / "copy"
        copy.mkdir()
        for name in images:
            (copy / name).write_bytes((root / name).read_bytes())
        again = make_describer()
        build(tmp_path / "store", again, images, copy)
        assert again.described == []


class TestStale:
    @pytest.mark.parametrize(
        ("change", "named"),
        [
            ({"describer": "d1"}, "the model is fake (d0) in the store but fake (d1) now"),
            ({"dimension": 12}, "the dimension is 24 in the store but 12 now"),
            ({"quality": "jpeg:10"}, "the quality is raw (raw) in the store but jpeg:10"),
            ({"dtype": "float16"}, "the number format is float32 in the store but float16 now"),
            ({"images": slice(0, 4)}, "the number of pictures is 5 in the store but 4 now"),
            ({"images": slice(None, None, -1)}, "the digest of the list of pictures is"),
        ],
    )
    def test_another_maker_is_refused_and_named(
        self, tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path, change: Any, named: str
    ) -> None:
        images, folder = make_pictures(5), tmp_path / "store"
        expected = build(folder, make_describer(), images, root).array()
        other = make_describer(change.get("describer", "d0"), change.get("dimension", 24))
        quality = Quality.parse(change["quality"]) if "quality" in change else None
        dtype = change.get("dtype", "float32")
        with pytest.raises(StaleStoreError) as error:
            build(folder, other, images[change.get("images", slice(None))], root, quality=quality, dtype=dtype)
        assert named in str(error.value) and f"delete the folder {folder}" in str(error.value)
        assert other.described == []
        np.testing.assert_array_equal(DescriptorStore.open(folder).array(), expected)

    def test_changed_pictures_are_named(self, tmp_path: Path, describer: Any, make_pictures: Make, root: Path) -> None:
        images = make_pictures(8)
        store = build(tmp_path / "store", describer, images, root)
        for name in images[2:7]:
            (root / name).write_bytes((root / images[0]).read_bytes())
        with pytest.raises(StaleStoreError, match="0002.png, 0003.png, 0004.png and 2 more changed"):
            build(tmp_path / "store", describer, images, root)
        assert store.changed_pictures(root) == images[2:7]

    def test_a_picture_changed_between_interrupt_and_resume(
        self, tmp_path: Path, make_describer: Any, stops: Any, make_pictures: Make, root: Path
    ) -> None:
        images = make_pictures(N)
        with pytest.raises(KeyboardInterrupt):
            build(tmp_path / "store", stops(make_describer(), 1, KeyboardInterrupt()), images, root)
        (root / images[3]).write_bytes((root / images[0]).read_bytes())
        with pytest.raises(StaleStoreError, match="0003.png changed"):
            build(tmp_path / "store", make_describer(), images, root)

    def test_a_wrong_quality_that_described_nothing_does_not_block_the_folder(
        self, tmp_path: Path, describer: Any, make_pictures: Make, root: Path
    ) -> None:
        images = make_pictures(5)
        with pytest.raises(LofiError):
            build(tmp_path / "store", describer, images, root, quality=Quality.parse("480p"))
        store = build(tmp_path / "store", describer, images, root)
        assert store.maker.quality == "raw" and len(store) == 5

    def test_a_folder_of_something_else_is_left_alone(
        self, tmp_path: Path, describer: Any, make_pictures: Make, root: Path
    ) -> None:
        images = make_pictures(2)
        with pytest.raises(LofiError, match="found other files"):
            build(root, describer, images, root)
        assert sorted(path.name for path in root.iterdir()) == images


class TestBadPictures:
    def test_one_bad_picture_stops_the_build(
        self, tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path
    ) -> None:
        images = make_pictures(N)
        good = (root / images[100]).read_bytes()
        (root / images[100]).write_bytes(good[:70])
        with pytest.raises(LofiError, match=images[100]):
            build(tmp_path / "store", make_describer(), images, root)
        (root / images[100]).write_bytes(good)
        again = make_describer()
        build(tmp_path / "store", again, images, root)
        assert again.described == [64, 22]

    def test_skipped_pictures_are_zeros_and_listed(
        self, tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path
    ) -> None:
        images = make_pictures(N)
        expected = build(tmp_path / "good", make_describer(), images, root, quality=Quality.parse("jpeg:30"))
        bad = [0, 64, 65, 149]
        for i in bad[:3]:
            (root / images[i]).write_bytes((root / images[i]).read_bytes()[:70])
        (root / images[149]).unlink()
        store = build(
            tmp_path / "store",
            make_describer(),
            images,
            root,
            quality=Quality.parse("jpeg:30"),
            skip_bad=True,
        )
        assert [(one.index, one.image) for one in store.skipped] == [(i, images[i]) for i in bad]
        assert all(one.image in one.reason for one in store.skipped)
        keep = np.setdiff1d(np.arange(N), bad)
        np.testing.assert_array_equal(np.flatnonzero(store.ok), keep)
        np.testing.assert_array_equal(store.array()[keep], expected.array()[keep])
        np.testing.assert_array_equal(store.n_bytes[keep], expected.n_bytes[keep])
        assert not store.array()[bad].any() and (store.n_bytes[bad] == -1).all()
        with pytest.raises(LofiError, match="0000.png, 0064.png, 0065.png and 1 more"):
            build(tmp_path / "store", make_describer(), images, root, quality=Quality.parse("jpeg:30"))

    def test_a_repaired_picture_makes_the_store_stale(
        self, tmp_path: Path, describer: Any, make_pictures: Make, root: Path
    ) -> None:
        images = make_pictures(3)
        good = (root / images[1]).read_bytes()
        (root / images[1]).unlink()
        build(tmp_path / "store", describer, images, root, skip_bad=True)
        (root / images[1]).write_bytes(good)
        with pytest.raises(StaleStoreError, match=images[1]):
            build(tmp_path / "store", describer, images, root, skip_bad=True)

    def test_a_block_of_only_bad_pictures_asks_the_model_nothing(
        self, tmp_path: Path, describer: Any, make_pictures: Make, root: Path
    ) -> None:
        images = [f"none{i}.png" for i in range(64)] + make_pictures(2)
        store = build(tmp_path / "store", describer, images, root, skip_bad=True)
        assert describer.described == [2] and store.ok.sum() == 2

    def test_no_good_picture_at_all_is_an_error(self, tmp_path: Path, describer: Any, root: Path) -> None:
        for _ in range(2):
            with pytest.raises(LofiError, match="found none among 2"):
                build(tmp_path / "store", describer, ["a.png", "b.png"], root, skip_bad=True)


class TestModelsThatMisbehave:
    @pytest.mark.parametrize(
        ("answer", "message"),
        [
            (np.zeros((3, 23), np.float32), r"expected 3 descriptors of 24 .* shape \(3, 23\)"),
            (np.zeros((2, 24), np.float32), r"shape \(2, 24\)"),
            (np.full((3, 24), np.nan, np.float32), "NaN or infinity among 0000.png"),
        ],
    )
    def test_one_clear_error(
        self, tmp_path: Path, describer: Any, make_pictures: Make, root: Path, answer: Any, message: str
    ) -> None:
        describer.describe = lambda images, quality=None: answer
        with pytest.raises(LofiError, match=message):
            build(tmp_path / "store", describer, make_pictures(3), root)
        assert not list(tmp_path.glob("store/segments/*"))

    def test_what_float16_cannot_hold(self, tmp_path: Path, describer: Any, make_pictures: Make, root: Path) -> None:
        describer.describe = lambda images, quality=None: np.full((len(images), 24), 1e5, np.float32)
        images = make_pictures(3)
        with pytest.raises(LofiError, match="or store float32"):
            build(tmp_path / "a", describer, images, root, dtype="float16")
        assert (build(tmp_path / "b", describer, images, root).array() == 1e5).all()


class TestOrders:
    @pytest.mark.parametrize(
        ("options", "message"),
        [({"dtype": "int8"}, "dtype float32 or float16"), ({"workers": 0}, "at least 1")],
    )
    def test_are_checked(
        self, tmp_path: Path, describer: Any, make_pictures: Make, root: Path, options: Any, message: str
    ) -> None:
        with pytest.raises(LofiError, match=message):
            build(tmp_path / "store", describer, make_pictures(1), root, **options)
        assert not (tmp_path / "store").exists()

    def test_need_a_picture(self, tmp_path: Path, describer: Any, root: Path) -> None:
        with pytest.raises(LofiError, match="at least one picture"):
            build(tmp_path / "store", describer, [], root)


def test_few_pictures_are_held_at_a_time(
    tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path, monkeypatch: Any
) -> None:
    opened, described = [0], [0]
    ahead_of_model = []

    class Counts(make_describer):  # type: ignore[misc,valid-type]
        def describe(self, images: Sequence[np.ndarray], quality: Any = None) -> np.ndarray:
            time.sleep(0.05)  # the threads would run away here if nothing held them
            ahead_of_model.append(opened[0] - described[0])
            described[0] += len(images)
            assert all(image.shape == (6, 8, 3) for image in images), "held at full size"
            return super().describe(images, quality)

    def open_image(*args: Any) -> np.ndarray:
        opened[0] += 1
        return original(*args)

    original = prepare_module.open_image
    monkeypatch.setattr(prepare_module, "open_image", open_image)
    build(tmp_path / "store", Counts(), make_pictures(64 * 6), root, workers=4)
    assert max(ahead_of_model) <= 2 * 64
    assert ahead_of_model[0] > 64, "nothing was prepared while the model was busy"
