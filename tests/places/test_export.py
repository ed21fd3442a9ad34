from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from fake_picture import write_picture

from lofivpr.errors import LofiError
from lofivpr.places import Place, Places, PlacesError
from lofivpr.places.export import export_utm_names, utm_name


def test_a_full_name_is_written_as_the_field_writes_it() -> None:
    place = Place(
        "a.jpg", 37.757051, -122.508771, 543256.961, 4178906.704, "10S", 90.4, panorama="x@y/z", timestamp=0.0
    )
    name = utm_name(place, ".jpg", "night")
    assert name == ("@0543256.96@4178906.70@10@S@037.75705@-122.50877@x-y-z@@090@@@@19700101_000000@night@.jpg")
    assert (
        utm_name(Place("a.jpg", easting=1.0, northing=-2.5, zone="local"))
        == "@0000001.00@-0000002.50" + "@" * 13 + ".jpg"
    )
    south = utm_name(Place("a.jpg", -27.5, 153.0, 500000.0, 6957000.0, "56J"))
    assert south.startswith("@0500000.00@6957000.00@56@J@-27.50000@0153.00000@")


def test_links_read_back_as_the_same_places(tmp_path: Path) -> None:
    source = tmp_path / "own@home"
    rows = [("sub/a.PNG", 51.5, -0.1, "test", "query"), ("b.jpg", 51.50001, -0.1, "train", None)]
    rows.append(("c.jpg", 51.50001, -0.1, None, "database"))  # where b is: another note keeps them apart
    for image, *_ in rows:
        write_picture(source / image)
    columns = dict(zip(("image", "lat", "lon", "split", "role"), map(list, zip(*rows, strict=True)), strict=True))
    places = Places.from_table(source, pa.table(columns))
    out = export_utm_names(places, tmp_path / "links")
    back = Places.open(out)
    assert len(back) == 3 and all((out / image).is_symlink() for image in back.images)
    found = {(p.split, p.role, (out / p.image).resolve().name) for p in back}
    assert found == {("test", "query", "a.PNG"), ("train", "database", "b.jpg"), ("test", "database", "c.jpg")}
    for place in back:
        source_row = next(p for p in places if Path(p.image).name == (out / place.image).resolve().name)
        assert place.easting == pytest.approx(source_row.easting, abs=0.005)
        assert place.northing == pytest.approx(source_row.northing, abs=0.005)
    assert back.open_image(0).shape == (12, 16, 3)


def test_what_cannot_be_linked_leaves_nothing(tmp_path: Path) -> None:
    def places(image: str, **cells: object) -> Places:
        return Places.from_table(tmp_path, pa.table({"image": [image]} | {k: [v] for k, v in cells.items()}))

    out = tmp_path / "links"
    with pytest.raises(PlacesError, match="expected a picture at .*none.jpg"):
        export_utm_names(places("none.jpg", lat=1.0, lon=2.0), out)
    with pytest.raises(PlacesError, match="expected pictures that are files"):
        export_utm_names(places("clip.mp4#frame=3", lat=1.0, lon=2.0), out)
    write_picture(tmp_path / "a.jpg")
    with pytest.raises(PlacesError, match="expected a position for every picture, found none for a.jpg"):
        export_utm_names(places("a.jpg"), out)
    assert not out.exists()
    out.mkdir()
    with pytest.raises(LofiError, match="expected a new folder"):
        export_utm_names(places("a.jpg", lat=1.0, lon=2.0), out)
