from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from lofivpr.descriptors import DescriptorStore
from lofivpr.errors import LofiError
from lofivpr.quality import Quality

Make = Callable[[int], list[str]]
N = 133


def reference(describer: Any, root: Path, images: list[str], quality: str | None) -> tuple[np.ndarray, list[int]]:
    """One picture at a time, opened by Pillow."""
    rows, sizes = [], []
    for name in images:
        pixels = np.asarray(Image.open(root / name).convert("RGB"))
        n_bytes = -1
        if quality is not None:
            encoded = Quality.parse(quality).encode(pixels)
            pixels, n_bytes = encoded.image, -1 if encoded.n_bytes is None else encoded.n_bytes
        rows.append(describer.one(cv2.resize(pixels, (8, 6), interpolation=cv2.INTER_AREA)))
        sizes.append(n_bytes)
    return np.stack(rows), sizes


@pytest.mark.parametrize("quality", [None, "raw", "6p", "jpeg:10", "8p/webp:20"])
def test_a_store_holds_what_the_model_says(
    tmp_path: Path, describer: Any, make_pictures: Make, root: Path, quality: str | None
) -> None:
    images = make_pictures(N)
    asked = quality and Quality.parse(quality)
    built = DescriptorStore.build(tmp_path / "store", describer, images, root, quality=asked, progress=False)
    expected, sizes = reference(describer, root, images, quality)
    for store in (built, DescriptorStore.open(tmp_path / "store")):
        assert (len(store), store.dimension) == (N, 24)
        np.testing.assert_array_equal(store.array(), expected)
        np.testing.assert_array_equal(store.n_bytes, sizes)
        assert store.n_bytes.dtype == np.int64 and store.array().dtype == np.float32
        assert store.images == images and store.skipped == () and store.ok.all()
        assert store.maker == built.maker and store.digest == built.digest
    assert describer.described == [64, 64, 5]
    assert built.maker.quality == (quality or "raw")


def test_blocks_are_the_rows_in_order(tmp_path: Path, describer: Any, make_pictures: Make, root: Path) -> None:
    store = DescriptorStore.build(tmp_path / "store", describer, make_pictures(N), root, progress=False)
    blocks = list(store.blocks())
    assert [len(block) for block in blocks] == [64, 64, 5]
    np.testing.assert_array_equal(np.concatenate(blocks), store.array())


def test_rows_are_picked_in_any_order(tmp_path: Path, describer: Any, make_pictures: Make, root: Path) -> None:
    store = DescriptorStore.build(tmp_path / "store", describer, make_pictures(N), root, progress=False)
    wanted = [132, 0, 63, 64, 64, 127, 128]
    np.testing.assert_array_equal(store.rows(wanted), store.array()[wanted])
    assert store.rows([]).shape == (0, 24)
    for wrong in ([-1], [N]):
        with pytest.raises(IndexError):
            store.rows(wrong)


def test_float16_halves_the_disk_and_rounds(
    tmp_path: Path, make_describer: Any, make_pictures: Make, root: Path
) -> None:
    images = make_pictures(64)
    full, half = (
        DescriptorStore.build(tmp_path / d, make_describer(dimension=144), images, root, dtype=d, progress=False)
        for d in ("float32", "float16")
    )
    np.testing.assert_array_equal(half.array(), full.array().astype(np.float16).astype(np.float32))
    assert not np.array_equal(half.array(), full.array())
    assert half.array().dtype == np.float32 and next(half.blocks()).dtype == np.float16
    sizes = [sum(path.stat().st_size for path in store.folder.rglob("*.arrow")) for store in (full, half)]
    assert sizes[0] - sizes[1] == pytest.approx(64 * 144 * 2, abs=64)  # Arrow pads


def test_the_digest_follows_the_contents_of_the_pictures(
    tmp_path: Path, describer: Any, make_pictures: Make, root: Path
) -> None:
    images = make_pictures(3)
    one = DescriptorStore.build(tmp_path / "a", describer, images, root, progress=False)
    same = DescriptorStore.build(tmp_path / "b", describer, images, root, progress=False)
    (root / images[2]).write_bytes((root / images[0]).read_bytes())
    other = DescriptorStore.build(tmp_path / "c", describer, images, root, progress=False)
    assert one.digest == same.digest != other.digest
    assert one.maker == other.maker


def test_opening_what_is_no_finished_store(tmp_path: Path, describer: Any, make_pictures: Make, root: Path) -> None:
    with pytest.raises(LofiError, match="expected a descriptor store"):
        DescriptorStore.open(tmp_path)
    folder = tmp_path / "store"
    DescriptorStore.build(folder, describer, make_pictures(N), root, progress=False)
    (folder / "segments" / "00000001.arrow").unlink()
    with pytest.raises(LofiError, match="with 2 of 3 blocks"):
        DescriptorStore.open(folder)


def test_a_store_may_be_moved(tmp_path: Path, describer: Any, make_pictures: Make, root: Path) -> None:
    built = DescriptorStore.build(tmp_path / "a" / "deep", describer, make_pictures(3), root, progress=False)
    expected = built.array()
    built.folder.rename(tmp_path / "moved")
    np.testing.assert_array_equal(DescriptorStore.open(tmp_path / "moved").array(), expected)


def test_views_of_panoramas_and_one_picture_twice(
    tmp_path: Path, describer: Any, make_pictures: Make, root: Path
) -> None:
    (name,) = make_pictures(1)
    pixels = np.random.default_rng(0).integers(0, 256, (24, 48, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(root / name)
    images = [name, f"{name}#yaw=40&fov=90", f"{name}#yaw=220&fov=90", name]
    store = DescriptorStore.build(tmp_path / "store", describer, images, root, progress=False)
    found = store.array()
    np.testing.assert_array_equal(found[0], found[3])
    assert len(np.unique(found, axis=0)) == 3 and store.images == images
    again = DescriptorStore.build(tmp_path / "store", describer, images, root, progress=False)
    assert describer.described == [4] and again.changed_pictures(root) == []


def test_the_progress_bar_tells_model_quality_and_count(
    tmp_path: Path, describer: Any, make_pictures: Make, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    DescriptorStore.build(tmp_path / "store", describer, make_pictures(70), root)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "fake at raw" in captured.err and "70/70" in captured.err
