from __future__ import annotations

from pathlib import Path

import pytest
from fake_msls import write_msls
from fake_own import write_exif
from fake_pittsburgh import write_pittsburgh
from fake_utm_sets import write_utm_set

from lofivpr.places import Places, PlacesError
from lofivpr.places.check import check


def test_a_whole_set(tmp_path: Path) -> None:
    found = check(write_pittsburgh(tmp_path / "pitts30k"))
    assert found.convention == "pitts30k" and found.dataset is not None and found.is_whole
    assert {one.protocol.name: (one.queries, one.database, one.with_positives) for one in found.asked} == {
        "pitts30k-train": (5, 40, 5),
        "pitts30k-val": (2, 12, 2),
        "pitts30k-test": (2, 20, 2),
    }
    assert {one.published for one in found.asked} == {"7416 / 10000", "7608 / 10000", "6816 / 10000"}
    assert not any(one.as_published for one in found.asked)


def test_pictures_and_splits_that_are_missing(tmp_path: Path) -> None:
    root = write_pittsburgh(tmp_path / "pitts30k", ("pitts30k",))
    (root / "datasets" / "pitts30k_val.mat").unlink()
    gone = [root / "000" / "000000_pitch1_yaw1.jpg", root / "queries_real" / "000002_pitch1_yaw3.jpg"]
    for picture in gone:
        picture.unlink()
    found = check(root)
    assert set(found.missing) == {str(picture.relative_to(root)) for picture in gone}
    assert found.missing_by_folder == {"000": 1, "queries_real": 1}
    assert found.lacking == ("no pictures of split val",) and not found.is_whole
    (fault,) = [one.fault for one in found.asked if one.protocol.name == "pitts30k-val"]
    assert "expected a split 'val'" in fault


def test_queries_that_are_dropped_are_not_counted(tmp_path: Path) -> None:
    found = check(write_msls(tmp_path))
    counts = {one.protocol.name: (one.queries, one.with_positives) for one in found.asked}
    assert counts == {"msls-val": (4, 4), "msls-val-all": (8, 6)}


def test_a_named_folder_of_a_general_convention(tmp_path: Path) -> None:
    found = check(write_utm_set(tmp_path, "svox"))
    assert found.convention == "utm-names" and found.dataset is not None and found.dataset.title == "SVOX"
    faults = {one.protocol.name for one in found.asked if one.fault}
    assert faults == {"svox-overcast", "svox-snow", "svox-sun"}


def test_ones_own_pictures(tmp_path: Path) -> None:
    found = check(write_exif(tmp_path / "walk-home"))
    assert found.dataset is None and found.lacking == ("no position for 1 of 4 pictures",)
    assert "expected a position" in found.asked[0].fault
    places = Places.open(tmp_path / "walk-home")
    places.select([0, 1, 2]).with_column("role", ["database", "database", "query"]).write(
        tmp_path / "walk-home" / "places.csv"
    )
    found = check(tmp_path / "walk-home", positives="15m")
    assert found.convention == "csv" and found.is_whole
    assert (found.asked[0].queries, found.asked[0].database, found.asked[0].positives) == (1, 2, 1.0)


def test_a_protocol_by_name(tmp_path: Path) -> None:
    root = write_utm_set(tmp_path, "svox")
    assert [one.queries for one in check(root, protocol="svox-rain").asked] == [3]
    assert [one.queries for one in check(root, protocol="leave-panorama-out", positives="200m").asked] == [13]
    with pytest.raises(PlacesError, match="such as roles v1, .*svox-rain v1"):
        check(root, protocol="svox-rains")
