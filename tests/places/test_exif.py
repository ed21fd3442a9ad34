from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from fake_own import exif, write_exif
from fake_picture import write_picture

from lofivpr.places import Places, PlacesError, detect
from lofivpr.places.formats.exif import read_tags


def test_positions_headings_times_and_roles(tmp_path: Path) -> None:
    assert detect(write_exif(tmp_path)).name == "exif"
    places = {place.image: place for place in Places.open(tmp_path)}
    for number in range(3):
        place = places[f"walk/database/{number}.jpg"]
        # Seconds to 1/10000 are 3 mm.
        assert (place.lat, place.lon) == (
            pytest.approx(-22.9 - number * 1e-4, abs=3e-8),
            pytest.approx(-43.2, abs=3e-8),
        )
        assert place.heading_deg == 90.0 + number and place.role == "database" and place.zone == "23K"
        west = datetime.timezone(datetime.timedelta(hours=-3))
        assert place.timestamp == datetime.datetime(2024, 5, 1, 10, 0, number, tzinfo=west).timestamp()
    assert places["walk/queries/none.jpg"].lat is None and places["walk/queries/none.jpg"].role == "query"


def test_what_is_not_known_stays_unknown(tmp_path: Path) -> None:
    magnetic = read_tags(write_picture(tmp_path / "a.jpg", exif(1.0, 2.0, 30.0, reference="M")))
    assert magnetic.lat == pytest.approx(1.0) and magnetic.heading_deg is None
    assert read_tags(write_picture(tmp_path / "b.jpg", exif(time="2024:05:01 10:00:00"))).timestamp is None
    assert read_tags(write_picture(tmp_path / "c.jpg", exif(0.0, 0.0))).lat is None
    assert read_tags(tmp_path / "none.jpg").lat is None
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    assert read_tags(tmp_path / "broken.jpg").lat is None


def test_a_folder_without_positions(tmp_path: Path) -> None:
    write_picture(tmp_path / "a.jpg")
    assert detect(tmp_path).name == "folder"
    with pytest.raises(PlacesError, match="expected pictures with GPS in EXIF .* found none among 1"):
        Places.open(tmp_path, "exif")
