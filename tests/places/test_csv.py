from __future__ import annotations

from pathlib import Path

import pytest

from lofivpr.errors import LofiError
from lofivpr.places import Places, PlacesError


def write(folder: Path, text: str, name: str = "places.csv") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_lat_lon_with_every_optional_column(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "image,lat,lon,heading_deg,panorama,role,split,timestamp,place,sequence,frame,weather\n"
        "images/a.jpg,52.2,0.12,270,007,query,test,1.5,hall,walk,3,rain\n"
        "images/b.jpg,52.2,0.12,,,,,,,,,\n",
    )
    first, second = Places.open(path)
    assert (first.image, first.lat, first.lon, first.heading_deg) == ("images/a.jpg", 52.2, 0.12, 270.0)
    assert (first.panorama, first.role, first.split, first.timestamp) == ("007", "query", "test", 1.5)
    assert (first.place, first.sequence, first.frame, first.zone) == ("hall", "walk", 3, "31U")
    assert second.heading_deg is second.panorama is second.role is second.frame is None


@pytest.mark.parametrize(
    ("header", "row", "zone"),
    [
        ("image,easting,northing,zone", "a.jpg,500000,5761038,31U", "31U"),
        ("image,easting,northing", "a.jpg,5,7", "local"),
        ("image,x,y", "a.jpg,5,7", "local"),
        ("image,x,y,lat,lon", "a.jpg,5,7,52,3", "31U"),
        ("image,place", "a.jpg,hall", None),
        ("image,sequence,frame", "a.jpg,walk,3", None),
        ("image,frame", "a.jpg,3", None),
    ],
)
def test_every_kind_of_position(tmp_path: Path, header: str, row: str, zone: str | None) -> None:
    assert Places.open(write(tmp_path, f"{header}\n{row}\n"))[0].zone == zone


def test_local_metres_are_kept(tmp_path: Path) -> None:
    place = Places.open(write(tmp_path, "image,x,y\na.jpg,-1.25,1e3\n"))[0]
    assert (place.easting, place.northing, place.lat) == (-1.25, 1000.0, None)


def test_a_folder_with_places_csv_and_another_name(tmp_path: Path) -> None:
    write(tmp_path, "image,place\na.jpg,hall\n")
    other = write(tmp_path, "image,place\nb.jpg,hall\n", "strict.CSV")
    assert Places.open(tmp_path).images == ["a.jpg"]
    assert Places.open(str(other)).images == ["b.jpg"]
    assert Places.open(tmp_path).root == tmp_path


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffimage,lat,lon\na.jpg,52,3\n",
        "Image, LAT ,Lon\r\n a.jpg , 52 , 3 \r\n\r\n",
        "image;lat;lon\na.jpg;52;3\n",
        "image\tlat\tlon\na.jpg\t52\t3",
        'image,lat,lon\n"a.jpg","52","3"\n\n',
    ],
)
def test_spellings_of_the_same_table(tmp_path: Path, text: str) -> None:
    (place,) = Places.open(write(tmp_path, text))
    assert (place.image, place.lat, place.lon) == ("a.jpg", 52.0, 3.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("image,role\na.jpg,query\n", "expected positions in .*lat and lon.*found columns: image, role"),
        (
            "image,latitude,longitude\na.jpg,1,2\n",
            "expected positions .*found columns: image, latitude, longitude",
        ),
        ("image,sequence\na.jpg,walk\n", "expected positions"),
        ("image,lat,lon\na.jpg,,\n", "expected positions .* columns empty"),
        ("file,lat,lon\na.jpg,1,2\n", "column `image` .*found: file, lat, lon"),
        ("", "column `image` .*found: nothing"),
        ("image,lat\na.jpg,1\n", "`lat` and `lon` together"),
        ("image,x\na.jpg,1\n", "`x` and `y` together"),
        ("image,lat,lat,lon\na.jpg,1,1,1\n", "each column once .*`lat`"),
        ("image,lat,lon\n", "expected rows"),
        ("image,lat,lon\na.jpg,1,2\nb.jpg,north,2\n", "a number as `lat` in line 3 of .*found 'north'"),
        ("image,lat,lon\na.jpg,1,2\n\nb.jpg,1,nan\n", "a finite number as `lon` in line 4"),
        ("image,lat,lon\na.jpg,1,2\nb.jpg,95,2\n", "degrees from -90 to 90 as `lat` in line 3 .*'95'"),
        ('image,lat,lon,place\na.jpg,1,2,"two\nlines"\nb.jpg,x,2,\n', "`lat` in line 4"),
        ("image,frame\na.jpg,2.5\n", "a whole number as `frame` in line 2"),
        ("image,lat,lon,role\na.jpg,1,2,probe\n", "`database` or `query` as `role` in line 2"),
        ("image,lat,lon\na.jpg,1,2\nb.jpg,1\n", "expected 3 cells in line 3 .*found 2"),
        ("image,lat,lon\na.jpg,1,2\nb.jpg,1,2\na.jpg,3,4\n", "found a.jpg in lines 2 and 4"),
        ("image,lat,lon\n,1,2\n", "picture in line 2"),
        ('image,lat,lon\n"a.jpg,1,2\n', "expected a CSV"),
        ("image,lat,lon\na.jpg,1,\n", "lat and lon together"),
        ("image,easting,northing,zone\na.jpg,5e5,5e6,31\n", "UTM zone with its latitude band .*'31'"),
    ],
)
def test_bad_files_give_one_clear_message(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(PlacesError, match=f"(?s)^expected .*{message.removeprefix('expected ')}") as caught:
        Places.open(write(tmp_path, text))
    assert isinstance(caught.value, LofiError)
    assert "found" in str(caught.value)


def test_a_file_that_is_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "places.csv").write_bytes("image,place\nstraße.jpg,hall\n".encode("latin-1"))
    with pytest.raises(PlacesError, match="in UTF-8, found byte 0xdf"):
        Places.open(tmp_path)
