from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ways import bend

from lofivpr.alignment import AlignmentError, read_tum, write_tum
from lofivpr.alignment.read import read_trajectory


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    way = bend(30)
    write_tum(tmp_path / "way.txt", way)
    back = read_trajectory(tmp_path / "way.txt")
    assert back.times == pytest.approx(way.times) and back.positions == pytest.approx(way.positions, abs=1e-8)
    assert back.rotations == pytest.approx(way.rotations, abs=1e-8)


def test_a_line_by_hand(tmp_path: Path) -> None:
    """Turned by 90 degrees about x, (0.7071, 0, 0, 0.7071): the camera's z (forward) becomes the world's -y."""
    (tmp_path / "t").write_text(
        "# timestamp tx ty tz qx qy qz qw\n\n2.5, 1 2 3 0.70710678 0 0 0.70710678\n1.5 0 0 0 0 0 0 1\n"
    )
    way = read_tum(tmp_path / "t")
    assert way.times.tolist() == [1.5, 2.5] and way.positions[1].tolist() == [1, 2, 3]
    assert way.forward[0] == pytest.approx([0, 0, 1]) and way.forward[1] == pytest.approx([0, -1, 0], abs=1e-7)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "found none"),
        ("# only\n", "found none"),
        ("0 0 0 0 0 0 0 1\n1 0 0 0 0 0 1\n", "line 2 of"),
        ("0 0 0 0 0 0 0 x\n", "eight numbers"),
        ("0 0 0 nan 0 0 0 1\n", "eight numbers"),
        ("0 0 0 0 0 0 0 0\n", "unit quaternion"),
        ("1403636579763555584 0 0 0 0 0 0 1\n", "seconds"),
        ("0 0 0 0 0 0 0 1\n0 0 0 1 0 0 0 1\n", "two for 0 s"),
        ("0 0 0 0 0 0 0 1\n", "at least 2"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "t").write_text(text)
    with pytest.raises(AlignmentError, match=words):
        read_tum(tmp_path / "t")


def test_no_file_and_no_text(tmp_path: Path) -> None:
    (tmp_path / "b").write_bytes(bytes([255, 254, 0, 200]))
    for path in (tmp_path / "none", tmp_path / "b", tmp_path):
        with pytest.raises(AlignmentError):
            read_trajectory(path)


def test_rounded_quaternions_are_made_unit(tmp_path: Path) -> None:
    (tmp_path / "t").write_text("0 0 0 0 0.707 0 0 0.707\n1 0 0 0 0 0 0 1\n")
    assert np.linalg.norm(read_tum(tmp_path / "t").quaternions, axis=1) == pytest.approx([1, 1], abs=1e-12)
