"""`town`, `degrade` and `describe`."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from lofivpr.descriptors import DescriptorStore
from lofivpr.media import open_image
from lofivpr.places import Places
from lofivpr.quality import Quality

Done = Callable[..., str]
BAD = "test-03-query.png"


def test_a_town_is_pictures_with_positions(town: Path) -> None:
    places = Places.open(town)
    assert len(places) == 32 and places.has_positions and places.splits == ["train", "test"]
    assert places.open_image(0).shape == (360, 480, 3)
    test = places.split("test")
    assert len(test.queries) > 0 and len(test.database) > 0
    assert len(set(places.column("panorama"))) == 8, "four headings each"


def test_degrade_writes_a_copy_and_what_it_cost(done: Done, places: Path, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in places.iterdir()}
    out = done("degrade", places, tmp_path / "copy", "--quality", "48p/jpeg:10")
    with (tmp_path / "copy" / "quality.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 64 and f"wrote 64 pictures and {tmp_path / 'copy' / 'quality.csv'}" in out
    name = rows[5]["image"]
    assert int(rows[5]["bytes"]) == (tmp_path / "copy" / name).stat().st_size
    assert open_image(name, tmp_path / "copy").shape == (48, 64, 3)
    assert len(Places.open(tmp_path / "copy").split("test")) == 16
    assert {path.name: path.read_bytes() for path in places.iterdir()} == before


def test_describe_writes_a_store_of_the_split(done: Done, places: Path, teacher: Path, tmp_path: Path) -> None:
    command = ("describe", "--model", teacher, "--places", places, "--out", tmp_path / "store", "--split", "test")
    out = done(*command, "--quality", "48p/jpeg:10")
    store = DescriptorStore.open(tmp_path / "store")
    assert len(store) == 16 and f"wrote 16 descriptors of {store.dimension} numbers" in out
    assert store.maker.quality == "48p/jpeg:10"
    image = Quality.parse("48p/jpeg:10").encode(open_image("test-00-database.png", places))
    assert store.n_bytes[0] == image.n_bytes
    segments = {path: path.stat().st_mtime_ns for path in (tmp_path / "store" / "segments").iterdir()}
    done(*command, "--quality", "48p/jpeg:10")
    assert {path: path.stat().st_mtime_ns for path in segments} == segments, "nothing is described twice"


@pytest.mark.parametrize("damage", [b"no picture", b""])
def test_skip_bad_lists_what_was_skipped(
    damage: bytes, done: Done, own_places: Path, teacher: Path, tmp_path: Path
) -> None:
    (own_places / BAD).write_bytes(damage)
    copied = done("degrade", own_places, tmp_path / "copy", "--quality", "jpeg:50", "--skip-bad")
    assert f"skipped {BAD}: " in copied and "wrote 63 pictures" in copied
    described = done(
        "describe", "--model", teacher, "--places", own_places, "--out", tmp_path / "store", "--skip-bad"
    )  # fmt: skip
    assert f"skipped {BAD}: " in described
    assert [picture.image for picture in DescriptorStore.open(tmp_path / "store").skipped] == [BAD]


def test_degrade_sends_clips_as_clips(done: Done, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    with av.open(str(source / "drive.mkv"), "w") as container:
        stream = container.add_stream("ffv1", 10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "bgr0"
        for number in range(4):
            image = np.random.default_rng(number).integers(0, 256, (48, 64, 3), np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    out = done("degrade", source, tmp_path / "copy", "--quality", "24p/h264:qp40")
    assert "wrote 0 pictures, 1 clips of 4 frames and" in out
    with (tmp_path / "copy" / "quality.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == [f"drive.mp4#frame={number}" for number in range(4)]
    assert all(int(row["bytes"]) > 0 and float(row["psnr_db"]) < 40 for row in rows)
    assert open_image("drive.mp4#frame=3", tmp_path / "copy").shape == (24, 32, 3)
