from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from fake_gsv_cities import IMAGES, ROWS, write_gsv_cities

from lofivpr.places import Places, PlacesError, Protocol


def test_names_keep_the_text_of_the_latitudes(tmp_path: Path) -> None:
    places = Places.open(write_gsv_cities(tmp_path))
    assert places.images == IMAGES
    assert all((tmp_path / image).is_file() for image in places.images)
    assert places[1].lat == 51.50001 and places[1].lon == -0.12001 and places[1].heading_deg == 9.0


def test_places_of_two_cities_do_not_collide(tmp_path: Path) -> None:
    places = Places.open(write_gsv_cities(tmp_path))
    assert [place.place for place in places] == ["London-1", "London-1", "London-2", "London-2", "PRG-1", "PRG-1"]
    cases = Protocol.named("gsv-cities-places").cases(places)
    assert [rows.tolist() for rows in cases.positives] == [[1], [0], [3], [2], [5], [4]]
    assert set(places.column("split")) == {"train"} and set(places.column("role")) == {None}


def test_the_month_is_the_timestamp(tmp_path: Path) -> None:
    place = Places.open(write_gsv_cities(tmp_path))[1]
    assert place.timestamp == datetime.datetime(2019, 11, 1, tzinfo=datetime.UTC).timestamp()
    assert place.panorama == "cD2"


def test_columns_cells_and_folders_that_do_not_fit(tmp_path: Path) -> None:
    file = write_gsv_cities(tmp_path) / "Dataframes" / "PRG.csv"
    rows = [",".join(row) for row in ROWS["PRG"]]
    file.write_text("\n".join(["place_id,year,month,northdeg,city_id,lat,lon,panoid", rows[0], "x" + rows[1]]))
    with pytest.raises(PlacesError, match="expected whole numbers in line 3 of .*PRG.csv"):
        Places.open(tmp_path)
    file.write_text("\n".join(["place_id,year,month,northdeg,city_id,latitude,lon,panoid", *rows]))
    with pytest.raises(PlacesError, match="expected columns place_id, .* in .*PRG.csv"):
        Places.open(tmp_path)
    file.write_text("\n".join(["place_id,year,month,northdeg,city_id,lat,lon,panoid", rows[0].replace("50.0", "N5")]))
    with pytest.raises(PlacesError, match="expected numbers in column lat of .*PRG.csv"):
        Places.open(tmp_path)
    with pytest.raises(PlacesError, match="Get gsv-cities from .* holds Dataframes/<City>.csv and Images/<City>"):
        Places.open(tmp_path / "Images", "gsv-cities")
