"""A places.csv in a bucket: its pictures are there too."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lofivpr.places import Places
from lofivpr.places.geodesy import PlacesError
from s3 import Bucket

CSV = "image,lat,lon,split\nimages/a b.png,52,4,test\npano.png#yaw=40&fov=90&mask=mask.png,52.001,4,test\n"


def test_pictures_are_named_by_their_urls(bucket: Bucket, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
    (tmp_path / "images").mkdir()
    Image.fromarray(pixels).save(tmp_path / "images" / "a b.png")
    (tmp_path / "places.csv").write_text(CSV + "s3://other/c.png,52.002,4,train\n")
    url = bucket.put(tmp_path, "streets")
    for path in (url, f"{url}/", f"{url}/places.csv", Path(url)):
        places = Places.open(path)
        assert places.images == [
            "s3://town/streets/images/a b.png",
            "s3://town/streets/pano.png#yaw=40&fov=90&mask=s3://town/streets/mask.png",
            "s3://other/c.png",
        ]
    assert places.column("lat").tolist() == [52, 52.001, 52.002] and places.splits == ["test", "train"]
    np.testing.assert_array_equal(places.open_image(0), pixels)


def test_faults_are_told(bucket: Bucket) -> None:
    with pytest.raises(PlacesError, match="expected to read s3://town/none/places.csv, found: no such file"):
        Places.open("s3://town/none")
    bucket.write("bad/places.csv", b"image,lat,lon\na.jpg,52\n")
    with pytest.raises(PlacesError, match="expected 3 cells in line 2 of s3://town/bad/places.csv, found 2"):
        Places.open("s3://town/bad")
    bucket.write("latin/places.csv", "image,lat,lon\nä.jpg,52,4\n".encode("latin-1"))
    with pytest.raises(PlacesError, match="expected s3://town/latin/places.csv in UTF-8"):
        Places.open("s3://town/latin")
