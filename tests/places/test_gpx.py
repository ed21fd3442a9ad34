from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from fake_own import write_gpx
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.places import Places, PlacesError, detect, geodesic
from lofivpr.places.formats.gpx import Track, read_track, seconds_of


def test_pictures_are_where_the_track_was(tmp_path: Path) -> None:
    assert detect(write_gpx(tmp_path)).name == "gpx"
    places = {place.image: place for place in Places.open(tmp_path)}
    assert places["a.jpg"].lat == pytest.approx(48.00005, abs=1e-9) and places["a.jpg"].lon == pytest.approx(11.5)
    assert places["b.jpg"].lat == pytest.approx(48.0002, abs=1e-9)
    assert places["gap.jpg"].lat is None and places["after.jpg"].lat is None
    assert places["a.jpg"].timestamp == seconds_of("2024-05-01T10:00:05Z")


def test_a_list_of_times_counts_before_exif(tmp_path: Path) -> None:
    write_gpx(tmp_path)
    (tmp_path / "times.csv").write_text("image,timestamp\na.jpg,2024-05-01T12:00:10+02:00\nb.jpg,1714557615.0\n")
    places = {place.image: place for place in Places.open(tmp_path)}
    assert places["a.jpg"].lat == pytest.approx(48.0001, abs=1e-9)
    assert places["b.jpg"].lat == pytest.approx(48.00015, abs=1e-9)
    assert places["after.jpg"].timestamp is None


def test_a_clock_without_its_offset_is_no_time(tmp_path: Path) -> None:
    with pytest.raises(PlacesError, match="expected times of pictures in .*times.csv .* found none for 4 pictures"):
        Places.open(write_gpx(tmp_path, offset=""))
    (tmp_path / "times.csv").write_text("image,timestamp\na.jpg,2024-05-01T12:00:10\n")
    with pytest.raises(PlacesError, match="a time in line 2 of .*times.csv, found a time without its offset"):
        Places.open(tmp_path)


def test_a_wrong_clock_is_told_with_both_times(tmp_path: Path) -> None:
    with pytest.raises(
        PlacesError, match="between 2024-05-01 10:00:00Z and 2024-05-01 10:02:40Z.*found 2024-05-01 12:"
    ):
        Places.open(write_gpx(tmp_path, offset="+00:00"))


def test_files_that_are_no_tracks(tmp_path: Path) -> None:
    write_gpx(tmp_path)
    (tmp_path / "track.gpx").write_text("<gpx><trk>")
    with pytest.raises(PlacesError, match="expected GPX in .*track.gpx"):
        Places.open(tmp_path)
    (tmp_path / "track.gpx").write_text('<gpx><trkpt lat="1"><time>2024-05-01T10:00:00Z</time></trkpt></gpx>')
    with pytest.raises(PlacesError, match="expected lat, lon and an ISO 8601 time"):
        Places.open(tmp_path)
    (tmp_path / "track.gpx").write_text('<gpx><trkpt lat="1" lon="2"></trkpt></gpx>')
    with pytest.raises(PlacesError, match="expected track points with times in .*, found 0"):
        Places.open(tmp_path)


def test_the_second_point_of_a_moment_says_nothing(tmp_path: Path) -> None:
    point = '<trkpt lat="{}" lon="2"><time>2024-05-01T10:00:0{}Z</time></trkpt>'
    text = "".join(point.format(lat, second) for lat, second in ((1, 0), (1.1, 0), (1.2, 1)))
    (tmp_path / "t.gpx").write_text(f"<gpx>{text}</gpx>")
    track = read_track([tmp_path / "t.gpx"])
    assert track.lat.tolist() == [1.0, 1.2] and np.diff(track.seconds).tolist() == [1.0]


@given(st.floats(0, 30), st.floats(-60, 60), st.floats(-179, 179))
def test_between_two_points_distances_are_in_proportion(second: float, lat: float, lon: float) -> None:
    track = Track(np.array([0.0, 30.0]), np.array([lat, lat + 1e-3]), np.array([lon, lon + 1e-3]))
    found = np.array(track.at(np.array([second])))
    whole = geodesic(track.lat[:1], track.lon[:1], track.lat[1:], track.lon[1:])[0]
    done = geodesic(track.lat[:1], track.lon[:1], found[0], found[1])[0]
    assert math.isclose(done, whole * second / 30, abs_tol=1e-3)
