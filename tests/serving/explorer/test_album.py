from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from PIL import Image

from lofivpr.errors import LofiError
from lofivpr.maps import Map
from lofivpr.places import Places
from lofivpr.serving.explorer.album import Album


@pytest.fixture
def town(street: Any) -> Map:
    return Map.open(street.map)


def test_samples_are_queries_that_were_taken_on_the_map(town: Map, street: Any) -> None:
    samples = Album(Places.open(street.places), town).samples(town)
    assert samples.images == [f"query-{spot:02d}.png" for spot in range(24)], "not those that are far from it"


def test_without_queries_the_places_themselves_are_samples(town: Map, street: Any) -> None:
    places = Places.open(street.places)
    for some in (places.database, places.select(places.column("lon") > 13.01)):
        kept = Places(street.places, pa.concat_tables([places.database.table, some.table]).slice(0, 24), places.frame)
        assert Album(kept, town).samples(town).images == [f"place-{spot:02d}.png" for spot in range(24)]


def test_pictures_by_rows_at_the_width_asked(town: Map, street: Any) -> None:
    album = Album(Places.open(street.places), town)
    for data, width in ((album.place_jpeg(town, 3, 64), 64), (album.sample_jpeg(town, 3, 1000), 320)):
        assert data is not None and Image.open(io.BytesIO(data)).size == (width, width * 3 // 4)
    assert album.place_jpeg(town, 3, 64) is album.place_jpeg(town, 3, 64), "kept"
    for row in (-1, 24, 10**9):
        assert album.place_jpeg(town, row, 64) is None and album.sample_jpeg(town, row, 64) is None


def test_only_pictures_that_the_data_set_names_are_opened(town: Map, street: Any) -> None:
    fewer = Places.open(street.places).select([0, 1, 2])
    album = Album(fewer, town)
    assert album.place_jpeg(town, 2, 64) is not None and album.place_jpeg(town, 3, 64) is None


def test_the_data_set_of_another_map_is_refused(town: Map, tmp_path: Path) -> None:
    other = Places.from_table(tmp_path, pa.table({"image": ["else.png"], "lat": [1.0], "lon": [1.0]}))
    with pytest.raises(LofiError, match="found none called place-00.png.*--places"):
        Album(other, town)
