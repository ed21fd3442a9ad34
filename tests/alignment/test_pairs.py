from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from ways import bend

from lofivpr.alignment import AlignmentError, Plan, fit_floor, read_pairs
from lofivpr.places.geodesy import to_utm

WAY = bend(20)
FLOOR = fit_floor(WAY)


def write(folder: Path, text: str) -> Path:
    (folder / "pairs.csv").write_text(text)
    return folder / "pairs.csv"


def test_times_and_pixels(tmp_path: Path) -> None:
    path = write(tmp_path, "time,column,row,note\n2,10,20,door\n3.5,0,30,\n")
    found = read_pairs(path, WAY, FLOOR, Plan(40, 30, 0.5))
    assert found.target.tolist() == [[5, 5], [0, 0]] and found.ground.frame is None
    expected = np.array([WAY.positions[2], (WAY.positions[3] + WAY.positions[4]) / 2])
    assert found.source == pytest.approx(FLOOR.xy(expected))


def test_floor_and_metres(tmp_path: Path) -> None:
    found = read_pairs(write(tmp_path, "floor_x,floor_y,x,y\n1,2,3,4\n"), WAY, FLOOR)
    assert found.source.tolist() == [[1, 2]] and found.target.tolist() == [[3, 4]]


def test_degrees_and_utm_are_one_place(tmp_path: Path) -> None:
    lat, lon = np.array([48.5, 48.5005]), np.array([9.0, 9.001])
    easting, northing, zones = to_utm(lat, lon)
    lines = [f"{t},{a!r},{o!r}" for t, a, o in zip((1, 2), lat.tolist(), lon.tolist(), strict=True)]
    degrees = read_pairs(write(tmp_path, "\n".join(["time,lat,lon", *lines])), WAY, FLOOR)
    lines = [f"{t},{e},{n},{z}" for t, e, n, z in zip((1, 2), easting, northing, zones, strict=True)]
    utm = read_pairs(write(tmp_path, "\n".join(["time,easting,northing,zone", *lines])), WAY, FLOOR)
    assert utm.target == pytest.approx(degrees.target, abs=1e-4)
    assert degrees.ground.frame.inverse(degrees.target) == pytest.approx(np.column_stack([lat, lon]), abs=1e-10)
    assert np.linalg.norm(np.diff(degrees.target, axis=0)) == pytest.approx(92.6, abs=0.5)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "found 0 rows of nothing"),
        ("time,x,y\n", "found 0 rows"),
        ("time,x\n1,2\n", "columns"),
        ("time,floor_x,floor_y,x,y\n1,2,3,4,5\n", "columns"),
        ("time,x,y\n1,2,b\n", "`y` in pair 1"),
        ("time,x,y\n1,2\n", "`y` in pair 1"),
        ("time,x,y\n99,2,3\n", "99 s in pair 1"),
        ("time,column,row\n1,2,3\n", "metres per pixel"),
    ],
)
def test_bad_files_are_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(AlignmentError, match=words):
        read_pairs(write(tmp_path, text), WAY, FLOOR)
