"""Descriptors of pictures that arrive in streams."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.descriptors import DescriptorStore
from lofivpr.errors import LofiError
from lofivpr.quality import Quality
from lofivpr.quality.stream import footage_of
from recordings import moving, write_clip

QUALITY = Quality.parse("h264:qp34@10fps")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for number, name in enumerate(("a.mkv", "b.mkv")):
        write_clip(folder / name, moving(120)[:: 1 - 2 * number], fps=10, codec="ffv1")
    return folder


def expected(describer: Any, images: list[str], root: Path, sequences: Any = ()) -> dict[int, np.ndarray]:
    arrived = [one for footage in footage_of(images, sequences) for one in footage.send(QUALITY, root)]
    return {one.row: describer.one(describer.preprocessing.resize(one.image)) for one in arrived}


def build(folder: Path, describer: Any, images: list[str], root: Path, **options: Any) -> DescriptorStore:
    return DescriptorStore.build(folder, describer, images, root, QUALITY, progress=False, **options)


def test_rows_are_in_order_whatever_the_order_of_the_streams(clips: Path, tmp_path: Path, describer: Any) -> None:
    images = [f"{name}#frame={number}" for number in (4, 2, 90, 60) for name in ("a.mkv", "b.mkv")]
    store = build(tmp_path / "store", describer, images, clips)
    wanted = expected(describer, images, clips)
    assert np.array_equal(store.array(), np.stack([wanted[row] for row in range(8)]))
    arrived = [one for footage in footage_of(images) for one in footage.send(QUALITY, clips)]
    assert store.n_bytes.tolist() == [one.n_bytes for one in sorted(arrived, key=lambda one: one.row)]
    total, frames = sum(one.sent_bytes for one in arrived), sum(one.sent_frames for one in arrived)
    assert frames == 2 * 91 and store.bytes_per_frame == pytest.approx(total / frames)


def test_pictures_by_themselves_have_no_stream(clips: Path, tmp_path: Path, describer: Any) -> None:
    images = ["a.mkv#frame=0", "a.mkv#frame=60"]
    still = Quality.parse("h264:qp34")
    store = DescriptorStore.build(tmp_path / "store", describer, images, clips, still, progress=False)
    assert store.bytes_per_frame is None and (store.n_bytes > 0).all()


@pytest.mark.parametrize("done", [1, 2])
def test_an_interrupted_build_gives_the_same_store(
    done: int, clips: Path, tmp_path: Path, make_describer: Any, stops: Any
) -> None:
    """A stream goes on from its start: its frames depend on those before."""
    images = [f"{name}#frame={number}" for number in range(80) for name in ("a.mkv", "b.mkv")]
    whole = build(tmp_path / "whole", make_describer(), images, clips)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "store", stops(make_describer(), done, KeyboardInterrupt()), images, clips)
    second = make_describer()
    store = build(tmp_path / "store", second, images, clips)
    assert second.described == [64, 64, 32][done:]
    assert np.array_equal(store.array(), whole.array()) and store.bytes_per_frame == whole.bytes_per_frame
    assert store.digest == whole.digest


def test_other_frames_between_make_another_store(
    clips: Path, tmp_path: Path, describer: Any, make_pictures: Any
) -> None:
    names = make_pictures(6)
    root = tmp_path / "pictures"
    quality = Quality.parse("h264:qp34@1fps")

    def build_of(folder: Path, run: list[str]) -> DescriptorStore:
        return DescriptorStore.build(folder, describer, names[3:5], root, quality, progress=False, sequences=[run])

    first, same = build_of(tmp_path / "one", names), build_of(tmp_path / "two", names)
    other = build_of(tmp_path / "three", names[2:])
    assert first.digest == same.digest != other.digest
    with pytest.raises(LofiError, match="list of pictures"):
        build_of(tmp_path / "one", names[2:])


def test_a_bad_clip_ends_it_or_is_listed(clips: Path, tmp_path: Path, describer: Any) -> None:
    folder = tmp_path / "clips"
    folder.mkdir()
    (folder / "bad.mkv").write_bytes(b"no clip")
    write_clip(folder / "good.mkv", moving(4), fps=10, codec="ffv1")
    images = ["good.mkv#frame=0", "bad.mkv#frame=0", "good.mkv#frame=3", "bad.mkv#frame=9"]
    with pytest.raises(LofiError, match="bad.mkv"):
        build(tmp_path / "store", describer, images, folder)
    store = build(tmp_path / "skipped", describer, images, folder, skip_bad=True)
    assert [picture.image for picture in store.skipped] == [images[1], images[3]]
    assert store.ok.tolist() == [True, False, True, False] and store.bytes_per_frame is not None


def test_a_picture_of_no_stream_is_refused(tmp_path: Path, describer: Any, make_pictures: Any) -> None:
    with pytest.raises(LofiError, match="sequence and frame.*0000.png"):
        build(tmp_path / "store", describer, make_pictures(2), tmp_path / "pictures")
