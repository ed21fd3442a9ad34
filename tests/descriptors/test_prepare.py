from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lofivpr.descriptors import prepare as module
from lofivpr.descriptors.prepare import ahead, look_at, picture_changed, prepare
from lofivpr.errors import LofiError
from lofivpr.media import BadImageError, open_image
from lofivpr.media.open import _file_digest
from lofivpr.quality import Quality

Make = Callable[[int], list[str]]


def same(image: np.ndarray) -> np.ndarray:
    return image


@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 5), st.integers(1, 9))
def test_ahead_keeps_order(delays: list[int], workers: int, window: int) -> None:
    def slow(item: tuple[int, int]) -> int:
        time.sleep(item[1] * 1e-4)
        return item[0]

    assert list(ahead(slow, enumerate(delays), workers, window)) == list(range(len(delays)))


def test_ahead_works_in_threads_but_never_beyond_its_window() -> None:
    taken, threads = [], set()

    def note(item: int) -> int:
        threads.add(threading.get_ident())
        return item

    def items() -> object:
        for i in range(100):
            taken.append(i)
            yield i

    for used, _ in enumerate(ahead(note, items(), workers=3, window=7), start=1):
        assert len(taken) <= used + 7
    assert threading.get_ident() not in threads


def test_ahead_works_while_the_consumer_is_busy() -> None:
    done = []
    results = ahead(done.append, range(20), workers=2, window=6)
    next(results)
    deadline = time.monotonic() + 5
    while len(done) < 6 and time.monotonic() < deadline:
        time.sleep(0.005)
    assert len(done) == 6


def test_an_error_comes_in_its_turn_and_closing_stops_the_threads() -> None:
    done = []

    def fail_at_3(item: int) -> int:
        if item == 3:
            raise LofiError("three")
        done.append(item)
        return item

    seen = []
    with pytest.raises(LofiError, match="three"):
        for item in ahead(fail_at_3, range(1000), workers=2, window=4):
            seen.append(item)
    assert seen == [0, 1, 2]
    assert len(done) < 10
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("prepare")]


def test_closing_cancels_what_has_not_begun() -> None:
    done = []

    def slow(item: int) -> None:
        time.sleep(0.002)
        done.append(item)

    results = ahead(slow, range(1000), workers=1, window=100)
    next(results)
    results.close()
    assert len(done) < 50


def test_raw_pictures_are_only_resized(make_pictures: Make, root: Path) -> None:
    (name,) = make_pictures(1)
    found = prepare(name, root, None, lambda image: image[:2], skip_bad=False)
    np.testing.assert_array_equal(found.pixels, open_image(name, root)[:2])
    assert found.row.n_bytes == -1 and found.row.skipped is None
    assert found.row.stamp is not None and found.row.stamp.size == (root / name).stat().st_size


def test_a_quality_gives_its_picture_and_bytes(make_pictures: Make, root: Path) -> None:
    (name,) = make_pictures(1)
    quality = Quality.parse("jpeg:10")
    expected = quality.encode(open_image(name, root))
    found = prepare(name, root, quality, same, skip_bad=False)
    np.testing.assert_array_equal(found.pixels, expected.image)
    assert found.row.n_bytes == expected.n_bytes == len(expected.data)
    assert not np.array_equal(found.pixels, open_image(name, root))


def test_a_quality_without_a_codec_has_no_bytes(make_pictures: Make, root: Path) -> None:
    (name,) = make_pictures(1)
    found = prepare(name, root, Quality.parse("6p"), same, skip_bad=False)
    assert found.pixels.shape == (6, 8, 3) and found.row.n_bytes == -1


@pytest.mark.parametrize("quality", [None, "480p"])
def test_bad_pictures_are_errors_or_skipped(make_pictures: Make, root: Path, quality: str | None) -> None:
    """A truncated picture, and one smaller than the quality."""
    (name,) = make_pictures(1)
    if quality is None:
        (root / name).write_bytes((root / name).read_bytes()[:60])
    asked = quality and Quality.parse(quality)
    with pytest.raises(LofiError):
        prepare(name, root, asked, same, skip_bad=False)
    found = prepare(name, root, asked, same, skip_bad=True)
    assert found.pixels is None and found.row.skipped and found.row.picture is not None


def test_a_missing_picture_is_skipped_without_digest(root: Path) -> None:
    found = prepare("none.png", root, None, same, skip_bad=True)
    assert found.row.picture is None and found.row.stamp is None and "none.png" in found.row.skipped


class TestPictureChanged:
    def test_by_stamp_then_by_content(self, make_pictures: Make, root: Path) -> None:
        a, b = make_pictures(2)
        row = prepare(a, root, None, same, False).row
        assert not picture_changed(row, root)
        os.utime(root / a, ns=(1, 1))
        assert not picture_changed(row, root), "a touched picture is the same picture"
        (root / a).write_bytes((root / b).read_bytes())
        assert picture_changed(row, root)

    def test_the_same_stamp_is_believed_unless_asked(self, make_pictures: Make, root: Path) -> None:
        (name,) = make_pictures(1)
        path = root / name
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path, format="BMP")
        row = prepare(name, root, None, same, False).row
        times = path.stat()
        Image.fromarray(np.ones((4, 4, 3), np.uint8)).save(path, format="BMP")
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        assert not picture_changed(row, root)
        _file_digest.cache_clear()  # within a process the digest of a file believes stamps, too
        assert picture_changed(row, root, by_content=True)

    def test_gone_and_come(self, make_pictures: Make, root: Path) -> None:
        (name,) = make_pictures(1)
        there = prepare(name, root, None, same, False).row
        data = (root / name).read_bytes()
        (root / name).unlink()
        missing = prepare(name, root, None, same, True).row
        assert picture_changed(there, root) and not picture_changed(missing, root)
        (root / name).write_bytes(data)
        assert not picture_changed(there, root) and picture_changed(missing, root)

    def test_urls_are_trusted_by_name(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object) -> str:
            raise BadImageError("read")

        monkeypatch.setattr(module, "image_digest", refuse)
        row = module.Row("https://example.org/a.jpg", picture="p")
        assert look_at(row.image, root) is None
        assert not picture_changed(row, root) and picture_changed(row, root, by_content=True)
