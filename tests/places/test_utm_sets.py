"""The test sets of UTM-named pictures and their protocols."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_utm_sets import SETS, write_utm_set

from lofivpr.places import Places, PlacesError, Protocol
from lofivpr.places.datasets import public_datasets

# Queries, pictures of the database, positives of each query: counted by hand from the layouts.
EXPECTED = {
    "tokyo247": ("tokyo247", 4, [1, 1]),
    "st-lucia": ("st-lucia", 4, [1, 1, 1]),
    "eynsham": ("eynsham", 3, [1, 1, 1]),
    "amstertime": ("amstertime", 4, [1, 1, 1, 1]),
    "sped": ("sped", 3, [1, 1, 1]),
    "sf-xl-v1": ("sf-xl", 5, [1, 1, 1]),
    "sf-xl-v2": ("sf-xl", 5, [1, 1]),
    "sf-xl-val": ("sf-xl", 2, [1, 1]),
    "svox": ("svox", 4, [1, 1, 1, 1]),
    "svox-night": ("svox", 4, [1, 1]),
    "svox-rain": ("svox", 4, [1, 1, 1]),
    "tum-lsi": ("tum-lsi", 9, [4]),
    "gangnam-station": ("gangnam-station", 9, [2]),
    "nordland-3450": ("nordland", 60, [min(n, 2) + 1 + min(59 - n, 2) for n in range(60)]),
    "nordland-27592": ("nordland", 60, [min(n, 10) + 1 + min(59 - n, 10) for n in range(60)]),
    "nordland-27592-swapped": ("nordland", 60, [min(n, 10) + 1 + min(59 - n, 10) for n in range(60)]),
    "nordland-2760": ("nordland-subset", 60, [2, 3, 3, 3, 3, 3]),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_queries_database_and_positives(tmp_path: Path, name: str) -> None:
    folder, database, positives = EXPECTED[name]
    cases = Protocol.named(name).cases(Places.open(write_utm_set(tmp_path, folder)))
    assert len(cases.database) == database
    assert sorted(len(rows) for rows in cases.positives) == sorted(positives)


def test_every_set_and_every_protocol_is_here() -> None:
    of_utm = {name for name, one in public_datasets().items() if one.convention == "utm-names"}
    assert of_utm == set(SETS) - {"nordland-subset"}
    untested = {name for one in of_utm for name in public_datasets()[one].protocols} - set(EXPECTED)
    assert untested == {"sf-xl-night", "sf-xl-occlusion", "svox-overcast", "svox-snow", "svox-sun"}


def test_swapped_seasons_change_sides(tmp_path: Path) -> None:
    places = Places.open(write_utm_set(tmp_path, "nordland"))
    usual = Protocol.named("nordland-27592").cases(places)
    swapped = Protocol.named("nordland-27592-swapped").cases(places)
    assert usual.queries.images == swapped.database.images and usual.database.images == swapped.queries.images


def test_ten_frames_are_25_metres_of_pseudo_utm(tmp_path: Path) -> None:
    places = Places.open(write_utm_set(tmp_path, "nordland"))
    by_frames = Protocol.named("nordland-27592").cases(places).positives
    by_metres = Protocol("roles").cases(places).positives
    assert [rows.tolist() for rows in by_frames] == [rows.tolist() for rows in by_metres]
    assert places.frame is None and {place.zone for place in places} == {"local"}


def test_a_southern_set_is_in_the_south(tmp_path: Path) -> None:
    places = Places.open(write_utm_set(tmp_path, "st-lucia"))
    assert {place.zone for place in places} == {"56J"} and all(-28 < place.lat < -27 for place in places)


def test_the_opened_folder_itself_tells_split_and_role(tmp_path: Path) -> None:
    folder = write_utm_set(tmp_path, "svox") / "images" / "test"
    assert len(Protocol.named("svox-night").cases(Places.open(folder)).queries) == 2
    assert {place.role for place in Places.open(folder / "queries_night")} == {"query"}


def test_queries_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(PlacesError, match="expected queries in a folder queries_snow, found none among 9 queries"):
        Protocol.named("svox-snow").cases(Places.open(write_utm_set(tmp_path, "svox")))
    with pytest.raises(PlacesError, match="expected a split 'test', found val"):
        Protocol.named("sf-xl-v1").cases(Places.open(write_utm_set(tmp_path, "sf-xl")).split("val"))


def test_not_found_says_which_archive_to_get(tmp_path: Path) -> None:
    with pytest.raises(
        PlacesError, match="expected SVOX, found nothing at .* Get svox.zip from .* images/test/gallery/"
    ):
        Places.open(tmp_path / "svox")
    with pytest.raises(PlacesError, match="expected Pittsburgh 250k, .*000.tar to 010.tar"):
        Places.open(tmp_path / "Pitts250k")
    with pytest.raises(PlacesError, match="expected a places.csv, or a folder .* Check the path"):
        Places.open(tmp_path / "nothing")


def test_the_documentation_names_every_set_and_every_protocol() -> None:
    file = Path(__file__).parents[2] / "docs" / "data.md"
    text = file.read_text(encoding="utf-8").partition("## Public data sets")[2].partition("## Your own")[0]
    for dataset in public_datasets().values():
        assert all(f"`{name}`" in text for name in dataset.protocols), dataset.name
