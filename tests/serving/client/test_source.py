from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.quality.degrade_clip import is_clip
from lofivpr.serving.client.source import camera_frames, clip_frames, is_camera, pictures_of

See = Callable[..., np.ndarray]


@pytest.fixture
def clip(tmp_path: Path, see: See) -> Path:
    """Twelve frames at 4 a second."""
    writer = cv2.VideoWriter(str(tmp_path / "drive.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 4, (160, 120))
    for step in range(12):
        writer.write(see(3, step)[:, :, ::-1].copy())
    writer.release()
    return tmp_path / "drive.avi"


def test_what_a_source_is() -> None:
    assert is_camera("camera:0") and not is_camera("camera.jpg")
    assert is_clip("a/drive.MP4") and is_clip("x.webm") and not is_clip("a.jpg") and not is_clip("folder")


def test_frames_of_a_clip_that_a_rate_keeps(clip: Path, see: See) -> None:
    found = list(clip_frames(str(clip), 2))
    assert [one.name for one in found] == [f"{clip}#frame={number}" for number in range(0, 12, 2)]
    assert [one.micros for one in found] == [500_000 * number for number in range(6)]
    assert all(np.abs(one.image - see(3, 2 * at).astype(float)).mean() < 12 for at, one in enumerate(found))
    assert len(list(clip_frames(str(clip), 100))) == 12, "never more than it has"


def test_frames_that_are_done_are_left_out(clip: Path) -> None:
    names = [one.name for one in clip_frames(str(clip), 4)]
    assert [one.name for one in clip_frames(str(clip), 4, names[:10])] == names[10:]
    assert list(clip_frames(str(clip), 4, names)) == []


def test_pictures_of_a_folder(tmp_path: Path, see: See) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("b.png", "a.jpg", "sub/c.png", "notes.txt"):
        (tmp_path / name).write_bytes(b"")
    names = ["a.jpg", "b.png", "sub/c.png"]
    assert pictures_of(str(tmp_path)) == [(name, str(tmp_path / name)) for name in names]
    assert pictures_of("a.jpg#yaw=3&fov=90") == [("a.jpg#yaw=3&fov=90",) * 2]
    with pytest.raises(LofiError, match="a folder of pictures, a clip, or camera:0"):
        (tmp_path / "empty").mkdir()
        pictures_of(str(tmp_path / "empty"))


@pytest.mark.parametrize("source", ["camera:", "camera:x", "camera:97"])
def test_a_camera_that_is_not_there(source: str) -> None:
    with pytest.raises(LofiError, match="Check its number"):
        next(camera_frames(source))
