from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.search.export import write_pairs

QUERIES, DATABASE = ["q/0.jpg", "q/1.jpg"], ["d/0.jpg", "d/1.jpg", "d/2.jpg"]
INDICES = np.array([[2, 0, 1], [1, -1, -1]])


@pytest.mark.parametrize(
    ("form", "lines"),
    [
        ("hloc", ["q/0.jpg d/2.jpg", "q/0.jpg d/0.jpg", "q/1.jpg d/1.jpg"]),
        ("colmap", ["q/0.jpg d/2.jpg", "q/0.jpg d/0.jpg", "q/1.jpg d/1.jpg"]),
        ("predictions", ["q/0.jpg d/2.jpg d/0.jpg", "q/1.jpg d/1.jpg"]),
    ],
)
def test_lines_nearest_first_without_padding(tmp_path: Path, form: str, lines: list[str]) -> None:
    assert write_pairs(tmp_path / "pairs.txt", form, QUERIES, DATABASE, INDICES, k=2) == len(lines)
    assert (tmp_path / "pairs.txt").read_text() == "".join(f"{line}\n" for line in lines)


def test_colmap_wants_a_pair_once_and_no_picture_with_itself(tmp_path: Path) -> None:
    names = ["a", "b", "c"]
    found = np.array([[0, 1], [0, 2], [1, 2]])
    write_pairs(tmp_path / "pairs.txt", "colmap", names, names, found, k=2)
    assert (tmp_path / "pairs.txt").read_text().splitlines() == ["a b", "b c"]
    write_pairs(tmp_path / "pairs.txt", "hloc", names, names, found, k=2)
    assert len((tmp_path / "pairs.txt").read_text().splitlines()) == 6


def test_what_cannot_be_written(tmp_path: Path) -> None:
    for k in (0, 4):
        with pytest.raises(LofiError, match=f"at least {k} neighbours each .* found 2 x 3"):
            write_pairs(tmp_path / "p", "hloc", QUERIES, DATABASE, INDICES, k)
    with pytest.raises(LofiError, match="names without spaces.*'q 0.jpg'"):
        write_pairs(tmp_path / "p", "hloc", ["q 0.jpg", "q"], DATABASE, INDICES, 1)
    with pytest.raises(LofiError, match="expected a form .hloc, colmap, predictions., found 'kapture'"):
        write_pairs(tmp_path / "p", "kapture", QUERIES, DATABASE, INDICES, 1)
    assert not list(tmp_path.iterdir())
