"""COLMAP's convention against its definition: x_camera = R(q) x_world + t, with R written out from q."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lofivpr.alignment import AlignmentError, read_colmap
from lofivpr.alignment.colmap import read_points
from lofivpr.alignment.read import read_trajectory

HEAD = "# Image list with two lines of data per image:\n#   IMAGE_ID, QW, ...\n"


def matrix(w: float, x: float, y: float, z: float) -> np.ndarray:
    """The rotation of a unit quaternion, entry by entry as COLMAP's documentation has it."""
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def write(folder: Path, names: list[str], points: str = "") -> list[tuple[np.ndarray, np.ndarray]]:
    rng = np.random.default_rng(0)
    lines, poses = [], []
    for number, name in enumerate(names):
        q = rng.normal(size=4)
        q /= np.linalg.norm(q)
        t = rng.normal(size=3)
        lines += [f"{number + 1} {' '.join(map(repr, (*q.tolist(), *t.tolist())))} 1 {name}", points]
        poses.append((matrix(*q), t))
    (folder / "images.txt").write_text(HEAD + "\n".join(lines) + "\n")
    return poses


@pytest.mark.parametrize("points", ["", "1.5 2.5 -1 3.0 4.0 17"])
def test_poses(tmp_path: Path, points: str) -> None:
    poses = write(tmp_path, ["walk/000010.jpg", "walk/000020.jpg", "walk/000030.jpg"], points)
    way = read_trajectory(tmp_path, fps=10)
    assert way.times.tolist() == [1, 2, 3] and way.names[0] == "walk/000010.jpg"
    for row, (rotation, shift) in enumerate(poses):
        ahead = way.positions[row] + 5 * way.forward[row] + way.up[row]
        assert rotation @ way.positions[row] + shift == pytest.approx(np.zeros(3), abs=1e-12)
        assert rotation @ ahead + shift == pytest.approx([0, -1, 5], abs=1e-12)


def test_one_camera_of_a_rig(tmp_path: Path) -> None:
    write(tmp_path, ["a/1.jpg", "b/1.jpg", "a/2.jpg", "b/2.jpg"])
    assert read_colmap(tmp_path / "images.txt", prefix="b/").names == ("b/1.jpg", "b/2.jpg")
    with pytest.raises(AlignmentError, match="one camera"):
        read_colmap(tmp_path)
    with pytest.raises(AlignmentError, match="named c/"):
        read_colmap(tmp_path, prefix="c/")


def test_names_hold_frames(tmp_path: Path) -> None:
    write(tmp_path, ["GOPR0042_frame7.png", "GOPR0042_frame12.png"])
    assert read_colmap(tmp_path).times.tolist() == [7, 12]
    write(tmp_path, ["12/one.png", "13/two.png"])
    with pytest.raises(AlignmentError, match="one.png"):
        read_colmap(tmp_path)


@pytest.mark.parametrize("line", ["1 1 0 0 0 0 0 0 1", "1 1 0 0 x 0 0 0 1 a1.jpg", "1 2 0 0 0 0 0 0 1 a1.jpg"])
def test_bad_lines_are_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "images.txt").write_text(HEAD + line + "\n\n")
    with pytest.raises(AlignmentError, match="line 3 of"):
        read_colmap(tmp_path)


def test_other_folders_are_told(tmp_path: Path) -> None:
    with pytest.raises(AlignmentError, match="found none"):
        read_trajectory(tmp_path)
    (tmp_path / "images.bin").touch()
    with pytest.raises(AlignmentError, match="model_converter"):
        read_trajectory(tmp_path)
    with pytest.raises(AlignmentError, match="positive rate"):
        read_colmap(tmp_path, fps=0)


def test_points(tmp_path: Path) -> None:
    assert read_points(tmp_path).shape == (0, 3)
    (tmp_path / "points3D.txt").write_text("# head\n5 1.5 -2 3 10 20 30 0.4 1 7 2 8\n6 0 0 1 1 1 1 0.1\n")
    assert read_points(tmp_path).tolist() == [[1.5, -2, 3], [0, 0, 1]]
    (tmp_path / "points3D.txt").write_text("5 1.5 -2\n")
    with pytest.raises(AlignmentError):
        read_points(tmp_path)
