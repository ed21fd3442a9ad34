"""Whatever happens to the cache, a picture is bit for bit what its quality makes of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.quality.grammar import CODECS, setting_text
from lofivpr.training import quality_cache as room
from lofivpr.training.quality_cache import QualityCache

FEW_ROWS = range(3)


def _every_codec() -> list[Quality]:
    """Every codec at both ends of every setting, at an odd size."""
    texts = ["raw", "16p", "90p", "17x15"]
    for codec in CODECS.values():
        if not codec.limits:
            texts.append(f"45p/{codec.name}")
        for mode, limits in codec.limits.items():
            texts += [f"45p/{codec.name}:{setting_text(mode, value)}" for value in limits if mode != "kbps"]
    return [Quality.parse(text) for text in texts]


LADDER = [Quality.parse(text) for text in ("raw", "16p", "48p/jpeg:5", "48p/h264:qp40")]


def _wanted(qualities: Sequence[Quality] = LADDER, rows: Sequence[int] = FEW_ROWS) -> list[tuple[int, Any]]:
    return [(row, qualities) for row in rows]


def _check(cache: QualityCache, places: Places, qualities: Sequence[Quality] = LADDER) -> None:
    for row in FEW_ROWS:
        for quality in qualities:
            expected = quality.encode(places.open_image(row)).image
            np.testing.assert_array_equal(cache.picture(row, quality), expected, err_msg=str(quality), strict=True)


def _bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.bytes"))


@pytest.fixture
def no_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def encode(self: Quality, image: np.ndarray) -> None:
        raise AssertionError(f"{self} is encoded anew")

    monkeypatch.setattr(Quality, "encode", encode)


def test_a_run_on_sharp_pictures_beside_what_others_left(places: Places, tmp_path: Path) -> None:
    QualityCache.build(places, _wanted(), tmp_path)
    cache = QualityCache.build(places, _wanted([Quality.RAW]), tmp_path)
    cache.refresh()  # as every run does once all processes are ready
    _check(cache, places, [Quality.RAW])
    assert _bytes(tmp_path) > 0


def test_every_codec_gives_the_pixels_of_its_quality(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    qualities = _every_codec()
    assert len({quality.codec for quality in qualities}) == len(CODECS) + 1
    cache = QualityCache.build(places, _wanted(qualities), tmp_path)
    expected = {
        (row, quality): quality.encode(places.open_image(row)).image for row in FEW_ROWS for quality in qualities
    }
    opened: list[int] = []
    open_image = Places.open_image
    monkeypatch.setattr(Places, "open_image", lambda self, row: (opened.append(row), open_image(self, row))[1])
    for (row, quality), pixels in expected.items():
        opened.clear()
        np.testing.assert_array_equal(cache.picture(row, quality), pixels, err_msg=str(quality), strict=True)
        assert bool(opened) == (str(quality) in ("raw", "90p"))  # the others come from their bytes


@pytest.mark.usefixtures("no_encoding")
def test_raw_alone_needs_no_cache(places: Places, tmp_path: Path) -> None:
    QualityCache.build(places, _wanted([Quality.RAW]), tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_the_next_run_encodes_nothing_and_a_longer_ladder_only_what_is_new(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    QualityCache.build(places, _wanted(), tmp_path)
    before = set(tmp_path.rglob("*"))
    with monkeypatch.context() as patch:
        patch.setattr(room, "encode_block", None)
        again = QualityCache.build(places, _wanted(), tmp_path)
    assert set(tmp_path.rglob("*")) == before
    _check(again, places)
    blocks: list[Any] = []
    encode_block = room.encode_block
    monkeypatch.setattr(room, "encode_block", lambda block: (blocks.append(block), encode_block(block))[1])
    longer = [*LADDER, Quality.parse("48p/jpeg:9")]
    _check(QualityCache.build(places, _wanted(longer), tmp_path), places, longer)
    assert [block.qualities for block in blocks] == [(("48p/jpeg:9",),) * 3]


def test_processes_fill_the_cache_too(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "FEW", 0)
    monkeypatch.setattr(room, "BLOCK_PICTURES", 2)
    cache = QualityCache.build(places, _wanted(), tmp_path, processes=2)
    assert len(list(tmp_path.rglob("*.bytes"))) == 2
    _check(cache, places)


@pytest.mark.parametrize("share_of_all", [0.0, 0.4, 0.7])
def test_the_bound_holds_and_the_rest_is_made_anew(
    share_of_all: float, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "BLOCK_PICTURES", 1)
    QualityCache.build(places, _wanted(), tmp_path / "all")
    bound = int(share_of_all * _bytes(tmp_path / "all"))
    cache = QualityCache.build(places, _wanted(), tmp_path / "bound", max_bytes=bound)
    assert _bytes(tmp_path / "bound") <= bound
    assert bool(_bytes(tmp_path / "bound")) == (share_of_all > 0)
    _check(cache, places)


def test_what_other_runs_left_goes_first_the_oldest_before(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "BLOCK_PICTURES", 1)
    QualityCache.build(places, _wanted(rows=range(3)), tmp_path)
    segments = {path.name: path for path in tmp_path.rglob("*.bytes")}
    mine = QualityCache.build(places, _wanted(rows=[0]), tmp_path)._stored
    own = {stored.path.name for stored in mine.values() if stored.entry.key == mine_key(places, tmp_path)}
    others = sorted(set(segments) - own)
    for age, name in enumerate(others):
        os.utime(segments[name], (age, age))
    whole = _bytes(tmp_path)
    QualityCache.build(places, _wanted(rows=[0, 5]), tmp_path, max_bytes=whole)
    left = {path.name for path in tmp_path.rglob("*.bytes")}
    assert own <= left and _bytes(tmp_path) <= whole
    assert others[0] not in left and len(left) >= 2
    _check(QualityCache.build(places, _wanted(rows=[0, 5]), tmp_path), places)


def mine_key(places: Places, folder: Path) -> str:
    return QualityCache.build(places, _wanted(rows=[0]), folder).key(0, LADDER[2])


def test_a_changed_picture_is_never_taken_for_the_old_one(places: Places, tmp_path: Path) -> None:
    root = tmp_path / "pictures"
    shutil.copytree(places.root, root)
    moved = Places.open(root)
    QualityCache.build(moved, _wanted(), tmp_path / "cache")
    shutil.copy(root / moved.images[4], root / moved.images[0])
    _check(QualityCache.build(moved, _wanted(), tmp_path / "cache"), moved)


def test_damage_and_loss_are_mended(places: Places, tmp_path: Path) -> None:
    cache = QualityCache.build(places, _wanted(), tmp_path)
    (segment,) = tmp_path.rglob("*.bytes")
    whole = segment.read_bytes()
    start = whole.index(b"\n") + 1
    segment.write_bytes(whole[:start] + bytes(len(whole) - start))  # found out by reading
    _check(cache, places)
    segment.write_bytes(whole[: start + 5])  # found out by opening
    _check(QualityCache.build(places, _wanted(), tmp_path), places)
    assert segment.read_bytes() == whole
    segment.unlink()
    _check(cache, places)


def test_what_other_codecs_made_is_encoded_again(
    places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    QualityCache.build(places, _wanted(), tmp_path)
    (segment,) = tmp_path.rglob("*.bytes")
    old = segment.read_bytes()
    monkeypatch.setattr(room, "CODE_VERSION", 2)
    cache = QualityCache.build(places, _wanted(), tmp_path)
    (segment,) = tmp_path.rglob("*.bytes")
    assert segment.read_bytes() != old
    _check(cache, places)


def test_shares_of_processes_are_the_whole(places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BLOCK_PICTURES", 1)
    QualityCache.build(places, _wanted(), tmp_path / "one")
    caches = [QualityCache.build(places, _wanted(), tmp_path / "two", share=(rank, 2)) for rank in range(2)]
    names = [sorted(path.name for path in (tmp_path / name).rglob("*.bytes")) for name in ("one", "two")]
    assert names[0] == names[1] and len(names[0]) == 3
    caches[0].refresh()
    _check(caches[0], places)


def test_a_quality_above_its_picture_is_an_error_before_training(places: Places, tmp_path: Path) -> None:
    with pytest.raises(LofiError, match="never enlarges"):
        QualityCache.build(places, _wanted([Quality.parse("97p/jpeg:5")]), tmp_path)


@pytest.mark.parametrize("processes", [False, True])
def test_a_full_disk_drops_the_cache_with_a_reason(
    places: Places, small_disk: Any, monkeypatch: pytest.MonkeyPatch, processes: bool
) -> None:
    """Whether pictures are encoded here or by processes: what was written goes, and the run has its pictures."""
    if processes:
        monkeypatch.setattr(room, "FEW", 0)
    monkeypatch.setattr(room, "BLOCK_PICTURES", 1)
    disk = small_disk("12k")
    with pytest.warns(UserWarning, match="encoded in every epoch anew, more slowly: .*No space left on device"):
        cache = QualityCache.build(places, _wanted(), disk / "cache", processes=1)
    assert [path.name for path in (disk / "cache").rglob("*") if path.is_file()] in ([], ["manifest.json"])
    _check(cache, places)
