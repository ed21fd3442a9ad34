"""`video`, and `evaluate` on what it makes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lofivpr.places import Places
from recordings import moving, write_clip

Text = Callable[..., str]


def test_a_recording_is_evaluated_as_a_stream(done: Text, teacher: Path, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "walk.mp4", moving(60), fps=10)
    out = done("video", clip, "--out", tmp_path / "data", "--every", "0.5s")
    assert f"wrote 12 pictures into {tmp_path / 'data' / 'places.csv'}" in out
    told = done(
        *("evaluate", "--model", teacher, "--places", tmp_path / "data", "--out", tmp_path / "out"),
        *("--protocol", "leave-panorama-out", "--positives", "5frames"),
        *("--quality", "raw", "--quality", "48p/h264:qp40", "--quality", "48p/h264:qp40@10fps"),
    )
    assert "kB/s" in told and "kbit/s" in told
    _, still, stream = json.loads((tmp_path / "out" / "results.json").read_text())["rows"]
    assert still["stream"] is None and stream["stream"]["fps"] == 10
    assert stream["stream"]["kbytes_per_second"] == pytest.approx(stream["bytes_per_query"] / 100)
    assert 0 < stream["bytes_per_query"] < still["bytes_per_query"]
    assert (tmp_path / "out" / "report.html").is_file()


def test_views(done: Text, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "pano.mkv", moving(20, 256, 128), fps=10, codec="ffv1")
    done("video", clip, "--out", tmp_path / "data", "--yaw-step", "45", "--pitch", "-10")
    places = Places.open(tmp_path / "data")
    assert len(places) == 16 and places.images[1] == "clips/pano.mkv#frame=0&yaw=45&pitch=-10&fov=90"
    assert not np.array_equal(places.open_image(0), places.open_image(1))


def test_a_bad_clip_is_listed(done: Text, refused: Text, tmp_path: Path) -> None:
    (tmp_path / "bad.mp4").write_text("no clip")
    good = write_clip(tmp_path / "good.mp4", moving(5))
    assert "bad.mp4" in refused("video", tmp_path / "bad.mp4", good, "--out", tmp_path / "data")
    told = done("video", tmp_path / "bad.mp4", good, "--out", tmp_path / "data", "--skip-bad")
    assert f"missing of {tmp_path / 'bad.mp4'}: " in told and "wrote 1 pictures" in told


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--every", "often"), "--every"),
        (("--fov", "60"), "--yaw-step"),
        (("--yaw-step", "0"), "step of the yaw"),
        (("--yaw-step", "45"), "equirectangular"),
        (("--mask", "gone.png"), "mask"),
    ],
)
def test_refusals(options: tuple[str, ...], said: str, refused: Text, tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", moving(3))
    assert said in refused("video", clip, "--out", tmp_path / "data", *options)
    assert not (tmp_path / "data" / "places.csv").exists()
