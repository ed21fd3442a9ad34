from __future__ import annotations

from pathlib import Path

import pytest

from lofivpr.places import Places, PlacesError

FULL = "@0303182.72@5787755.11@31@U@052.20504@000.11957@pano-7@3@270@12@@1.5@201311@night@.jpg"


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_every_field_of_a_full_name(tmp_path: Path) -> None:
    (place,) = Places.open(touch(tmp_path, FULL))
    assert (place.easting, place.northing, place.zone) == (303182.72, 5787755.11, "31U")
    assert (place.panorama, place.heading_deg, place.split, place.role) == ("pano-7", 270.0, None, None)
    # The centimetres of the UTM count, not the metre of the five decimals.
    assert (place.lat, place.lon) == (pytest.approx(52.2050448, abs=1e-7), pytest.approx(0.1195771, abs=1e-7))


def test_the_field_layout_gives_split_and_role(tmp_path: Path) -> None:
    root = touch(
        tmp_path / "pitts@home",  # an @ in a folder must not be taken for a field
        "images/train/database/@0000001.00@0000002.00@.jpg",
        "images/train/queries/@0000003.00@0000004.00@.jpg",
        "images/val/queries/@0000005.00@0000006.00@.png",
        "images/test/database/000/@0000007.00@0000008.00@.JPG",
    )
    found = {(p.split, p.role, p.easting, p.northing, p.zone) for p in Places.open(root)}
    assert found == {
        ("train", "database", 1.0, 2.0, "local"),
        ("train", "query", 3.0, 4.0, "local"),
        ("val", "query", 5.0, 6.0, "local"),
        ("test", "database", 7.0, 8.0, "local"),
    }
    assert Places.open(root / "images" / "train").queries[0].easting == 3.0


@pytest.mark.parametrize("name", ["@5.00@7.00.jpg", "@5.00@7.00@.jpg", "@5.00@7.00@@@@@@@@@@@@@.jpg"])
def test_only_the_first_two_fields_are_required(tmp_path: Path, name: str) -> None:
    (place,) = Places.open(touch(tmp_path, name))
    assert (place.easting, place.northing, place.zone, place.heading_deg) == (5.0, 7.0, "local", None)


def test_lat_lon_tell_a_zone_that_is_missing(tmp_path: Path) -> None:
    (place,) = Places.open(touch(tmp_path, "@0303182.72@5787755.11@@@052.20504@000.11957@@@@@@@@@.jpg"))
    assert place.zone == "31U"
    assert place.lat == pytest.approx(52.20504, abs=2e-5)


def test_a_list_of_paths_replaces_the_walk(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "test/database/@1.00@1.00@.jpg",
        "test/database/@2.00@2.00@.jpg",
        "test/queries/@3.00@3.00@.jpg",
    )
    (tmp_path / "test" / "database_images_paths.txt").write_text("@2.00@2.00@.jpg\n\n", encoding="utf-8")
    assert Places.open(tmp_path).images == ["test/database/@2.00@2.00@.jpg", "test/queries/@3.00@3.00@.jpg"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("plain.jpg", "expected a name @easting@northing@.*found plain.jpg"),
        ("x@1.00@2.00@.jpg", "expected a name"),
        ("@1.00.jpg", "expected a name"),
        ("@east@2.00@.jpg", "a number as easting in the name, found 'east'"),
        ("@@2.00@.jpg", "an easting and a northing"),
        ("@1.00@2.00@99@U@.jpg", "UTM zone with its latitude band .*'99U'"),
    ],
)
def test_names_that_break_the_convention(tmp_path: Path, name: str, message: str) -> None:
    with pytest.raises(PlacesError, match=message):
        Places.open(touch(tmp_path, name, "a/@0303182.72@5787755.11@31@U@.jpg"), "utm-names")


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(PlacesError, match="found none"):
        Places.open(tmp_path, "utm-names")
