from __future__ import annotations

from pathlib import Path

import pytest

from lofivpr.places import Places, PlacesError, Positives, Protocol
from lofivpr.places.formats import FORMATS, detect
from lofivpr.places.formats.pictures import pictures_under


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def test_every_picture_without_labels(tmp_path: Path) -> None:
    touch(tmp_path, "b.PNG", "a.jpg", "deep/er/c.webp", "phone.heic", "notes.txt", ".hidden.jpg", ".cache/d.jpg")
    places = Places.open(tmp_path)
    assert places.images == ["a.jpg", "b.PNG", "phone.heic", "deep/er/c.webp"]
    assert places.database.images == places.images
    assert not places.has_positions and places.frame is None


def test_what_needs_positions_says_so(tmp_path: Path) -> None:
    places = Places.open(touch(tmp_path, "a.jpg", "b.jpg"))
    for ask in (places.xy, places.points, lambda: Positives.parse("25m").find(places, places)):
        with pytest.raises(PlacesError, match=r"a position .* found none for 2 of 2, first a.jpg"):
            ask()
    with pytest.raises(PlacesError, match=r"role `query`, found no split: 2 without role"):
        Protocol().cases(places)


def test_links_are_followed_but_not_in_circles(tmp_path: Path) -> None:
    touch(tmp_path, "real/a.jpg")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "real")
    (tmp_path / "real" / "up").symlink_to(tmp_path / "set")
    assert list(pictures_under(tmp_path / "set")) == ["linked/a.jpg"]


def test_a_folder_without_pictures(tmp_path: Path) -> None:
    with pytest.raises(PlacesError, match="expected pictures under .*found none"):
        Places.open(touch(tmp_path, "readme.txt"))


def test_detection_in_order(tmp_path: Path) -> None:
    touch(tmp_path, "bare/a.jpg", "utm/@1.00@2.00@.jpg", "both/@1.00@2.00@.jpg")
    for folder in ("both",):
        (tmp_path / folder / "places.csv").write_text("image,x,y\nz.jpg,1,2\n", encoding="utf-8")
    assert detect(tmp_path / "bare").name == "folder"
    assert detect(tmp_path / "utm").name == "utm-names"
    assert detect(tmp_path / "both").name == "csv"
    assert detect(tmp_path / "both", "utm-names").name == "utm-names"
    assert {"csv", "utm-names", "folder"} <= set(FORMATS)


def test_nothing_to_detect(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").touch()
    with pytest.raises(PlacesError, match="found nothing at .*absent"):
        Places.open(tmp_path / "absent")
    with pytest.raises(PlacesError, match="found none of them at .*a.jpg"):
        Places.open(tmp_path / "a.jpg")
    with pytest.raises(PlacesError, match=r"expected a convention \(.*csv.*\), found 'kitti'"):
        Places.open(tmp_path, "kitti")
