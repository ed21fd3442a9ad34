"""Pictures on a walk whose truth is known: where they are, and where their slices look."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.spatial.transform import Rotation
from ways import bend, moved

from lofivpr.alignment import Aligned, AlignmentError, Ground, Trajectory, fit_floor, place_pictures, solve, times_of
from lofivpr.places import LocalFrame, Places, PlacesError, geodesic, heading_difference

WALK = bend(40)


def aligned(kind: str = "similarity", ground: Ground | None = None) -> Aligned:
    """The walk as SLAM saw it, fitted back to its metres by six exact pairs."""
    way = moved(WALK, Rotation.from_euler("xyz", [70, -20, 130], degrees=True), 0.37, np.array([5.0, -2, 9]))
    floor = fit_floor(way)
    rows = [0, 8, 16, 24, 32, 39]
    found = solve(floor.xy(way.positions[rows]), WALK.positions[rows, :2], kind)
    return Aligned(way, floor, found.plane_map, ground or Ground())


def places_of(images: list[str], root: Path = Path("."), **columns: list) -> Places:
    return Places.from_table(root, pa.table({"image": images, **columns}))


@pytest.mark.parametrize("kind", ["similarity", "affine"])
def test_positions_and_headings_of_slices(kind: str) -> None:
    """Where the walker looks, plus the slice's yaw to the right; half-way between poses too."""
    stamps = [3.0, 3.0, 20.5, 39.0]
    images = ["p.jpg#yaw=0&fov=90", "p.jpg#yaw=90&fov=90", "q.jpg#yaw=-120&fov=90", "r.jpg"]
    places = places_of(images, timestamp=stamps)
    found = place_pictures(places, aligned(kind), times_of(places, WALK))
    assert found.table["zone"].to_pylist() == ["local"] * 4
    at, _ = WALK.at(stamps)
    assert found.xy() == pytest.approx(at[:, :2], abs=1e-6)
    looks = WALK.at(stamps)[1]
    compass = np.degrees(np.arctan2(looks[:, 0], looks[:, 1])) + [0, 90, -120, 0]
    assert heading_difference(found.column("heading_deg"), compass) == pytest.approx(np.zeros(4), abs=1e-4)
    assert found.column("heading_deg")[:2] == pytest.approx([90, 180], abs=1e-4)  # east, and south to its right


def test_pictures_off_the_trajectory_lose_their_positions() -> None:
    places = places_of(["a.jpg", "b.jpg", "c.jpg"], timestamp=[5.0, 100.0, None], easting=[1.0, 2.0, 3.0],
                       northing=[1.0, 2.0, 3.0])  # fmt: skip
    found = place_pictures(places, aligned(), times_of(places, WALK))
    assert found.table["easting"].is_null().to_pylist() == [False, True, True]
    assert found.table["zone"].to_pylist() == ["local", None, None]


def test_an_offset_moves_the_clock() -> None:
    places = places_of(["a.jpg"], timestamp=[1005.0])
    with pytest.raises(AlignmentError, match="0 to 39 s, found 1005 to 1005 s"):
        place_pictures(places, aligned(), times_of(places, WALK))
    found = place_pictures(places, aligned(), times_of(places, WALK, offset_s=-1000))
    assert found.xy()[0] == pytest.approx(WALK.positions[5, :2], abs=1e-6)


def test_one_sequence_leaves_the_others() -> None:
    places = places_of(["a.jpg", "b.jpg"], timestamp=[5.0, 5.0], sequence=["up", "down"], easting=[7.0, 7.0],
                       northing=[8.0, 8.0], heading_deg=[9.0, 9.0])  # fmt: skip
    found = place_pictures(places, aligned(), times_of(places, WALK), sequence="up")
    assert found.xy()[1].tolist() == [7, 8] and found.column("heading_deg")[1] == 9
    assert found.xy()[0] == pytest.approx(WALK.positions[5, :2], abs=1e-6)
    with pytest.raises(AlignmentError, match="sequence 'left'"):
        place_pictures(places, aligned(), times_of(places, WALK), sequence="left")
    earth = aligned(ground=Ground(LocalFrame(48.5, 9.0)))
    with pytest.raises(PlacesError, match="one frame"):
        place_pictures(places, earth, times_of(places, WALK), sequence="up")


def test_on_earth() -> None:
    places = places_of(["a.jpg", "b.jpg"], timestamp=[0.0, 30.0])
    found = place_pictures(places, aligned(ground=Ground(LocalFrame(48.5, 9.0))), times_of(places, WALK))
    lat, lon = found.column("lat"), found.column("lon")
    metres = np.linalg.norm(WALK.positions[30] - WALK.positions[0])
    assert geodesic(lat[:1], lon[:1], lat[1:], lon[1:]) == pytest.approx([metres], rel=1e-4)


def test_a_mirrored_map_is_refused() -> None:
    way = aligned()
    floor = fit_floor(way.trajectory)
    flat = floor.xy(way.trajectory.positions)
    with pytest.raises(AlignmentError, match="mirrored"):
        Aligned(way.trajectory, floor, solve(flat, flat * [1, -1], "affine").plane_map, Ground())


def test_times_by_name_frame_and_column(tmp_path: Path) -> None:
    named = Trajectory.of([10, 20], [[0, 0, 0], [1, 0, 0]], Rotation.identity(2), ("x/10.jpg", "x/20.jpg"))
    places = places_of(["x/20.jpg#yaw=40&fov=90", "x/30.jpg", "x/10.jpg"], frame=[1, 60, None])
    assert times_of(places, named, offset_s=1, fps=30)[[0, 2]].tolist() == [20, 10]
    assert times_of(places, named, offset_s=1, fps=30)[1] == 3.0
    assert np.isnan(times_of(places, named)[1])
    with pytest.raises(AlignmentError, match="timestamp"):
        times_of(places_of(["a.jpg"]), WALK)
