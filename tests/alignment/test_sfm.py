"""Structure from motion on a walk through the town: real frames, real COLMAP, against exact poses."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lofivpr.alignment import AlignmentError, SfmOptions, read_colmap, read_tum, structure_from_motion, umeyama
from lofivpr.alignment.town_walk import write_town_walk
from lofivpr.places.town import Town

pytest.importorskip("pycolmap")


@pytest.fixture(scope="module")
def town() -> Town:
    return Town(seed=3, columns=(1, 1), rows=1, fronts=12)


@pytest.mark.parametrize(("camera", "width", "options"), [
    ("plain", 320, {"fov": 75.0, "size": 320}),
    ("360", 512, {"views": 4, "size": 256}),
])  # fmt: skip
def test_the_way_of_a_camera(tmp_path: Path, town: Town, camera: str, width: int, options: dict) -> None:
    walk = write_town_walk(tmp_path, camera, width=width, step=0.8, length=8.0, town=town)
    found = structure_from_motion(walk.clip, tmp_path / "sfm", SfmOptions(overlap=3, threads=1, **options))
    truth = read_tum(walk.truth)
    assert found.frames == len(truth) == 10 and len(found.trajectory) >= 9
    rows = np.searchsorted(truth.times, found.trajectory.times - 1e-6)
    assert found.trajectory.times == pytest.approx(truth.times[rows])
    scale, turn, shift = umeyama(found.trajectory.positions, truth.positions[rows])
    off = np.linalg.norm(scale * found.trajectory.positions @ turn.T + shift - truth.positions[rows], axis=1)
    assert np.sqrt(np.mean(off**2)) < 0.1
    looks = np.sum(found.trajectory.forward @ turn.T * truth.forward[rows], axis=1)
    assert np.degrees(np.arccos(np.clip(looks, -1, 1))).max() < 1.5
    kept = read_tum(tmp_path / "sfm" / "trajectory.txt")
    assert kept.positions == pytest.approx(found.trajectory.positions, abs=1e-8)
    prefix = "view000/" if options.get("views") else ""
    assert len(read_colmap(tmp_path / "sfm" / "model", prefix=prefix)) == len(kept)


def test_a_clip_without_a_way_is_refused(tmp_path: Path) -> None:
    from lofivpr.quality import Quality
    from lofivpr.quality.clip import send_frames
    from lofivpr.quality.clip_file import write_stream

    frames = [np.full((96, 128, 3), 90, np.uint8)] * 4
    packets = (sent.data or b"" for sent in send_frames(Quality.parse("h264:qp20"), frames, 2.0))
    write_stream(tmp_path / "grey.mp4", "h264", (128, 96), 2.0, packets)
    with pytest.raises(AlignmentError, match="4 frames"):
        structure_from_motion(tmp_path / "grey.mp4", tmp_path / "out", SfmOptions(threads=1))
    assert not (tmp_path / "out").exists()


def test_without_pycolmap_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import lofivpr.alignment.sfm as sfm

    monkeypatch.setattr(sfm, "find_spec", lambda name: None)
    with pytest.raises(AlignmentError, match=r"lofivpr\[sfm\]"):
        structure_from_motion(tmp_path / "clip.mp4", tmp_path / "out")
