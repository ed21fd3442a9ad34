from __future__ import annotations

import base64
import math
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest

from lofivpr.maps import Fix, Map
from lofivpr.maps.fix import Candidate
from lofivpr.places import Places
from lofivpr.quality import Quality, psnr
from lofivpr.serving.explorer.preview import MOST_PIXELS, Arrived, judged, spots, within_pixels


def test_what_arrives_is_what_the_quality_leaves(make_picture: Any) -> None:
    image = make_picture(1, (320, 240))
    arrived, expected = (
        Arrived.of(image, Quality.parse("120p/h264:qp40")),
        Quality.parse("120p/h264:qp40").encode(image),
    )
    told = arrived.to_dict()
    pixels = cv2.imdecode(np.frombuffer(base64.b64decode(told["uri"].partition(",")[2]), np.uint8), cv2.IMREAD_COLOR)
    assert np.array_equal(pixels[..., ::-1], expected.image), "the very pixels"
    assert (told["bytes"], told["width"], told["height"], told["source"]) == (expected.n_bytes, 160, 120, [320, 240])
    full = cv2.resize(expected.image, (320, 240), interpolation=cv2.INTER_LINEAR)
    assert told["psnr"] == pytest.approx(float(psnr(image, full)), abs=0.01)
    assert (arrived.seen.codec, arrived.seen.n_bytes, str(arrived.seen.quality)) == (
        "h264",
        expected.n_bytes,
        "120p/h264:qp40",
    )


@pytest.mark.parametrize(("quality", "size"), [("raw", [320, 240]), ("60p", [80, 60])])
def test_without_a_codec_there_are_no_bytes(quality: str, size: list[int], make_picture: Any) -> None:
    arrived = Arrived.of(make_picture(1, (320, 240)), Quality.parse(quality))
    told = arrived.to_dict()
    assert told["bytes"] is None and [told["width"], told["height"]] == size and arrived.seen.codec is None


@pytest.mark.parametrize("size", [(4000, 3000), (1, 2_000_000), (1000, 1000)])
def test_large_pictures_are_shrunk(size: tuple[int, int]) -> None:
    image = np.zeros((size[1], size[0], 3), np.uint8)
    height, width = within_pixels(image).shape[:2]
    assert 0 < height * width <= MOST_PIXELS and (height * width > 0.99 * MOST_PIXELS or size[0] == 1)
    assert size[0] == 1 or width / height == pytest.approx(size[0] / size[1], rel=0.01)


def fix_of(town: Map, rows: list[int], at: tuple[float, float] | None) -> Fix:
    places = town.places
    found = [Candidate(places[row].image, places[row].lat, places[row].lon, None, 0.9, row) for row in rows]
    lat, lon = at or (None, None)
    return Fix(tuple(found), lat, lon, None, 25.0, at is not None, None if at else "nothing agrees", None)


def test_places_are_judged_by_their_distance_from_the_truth(street: Any) -> None:
    town, truth = Map.open(street.map), Places.open(street.places).queries.select([3])
    told = judged(town, fix_of(town, [3, 4, 0], (truth[0].lat + 10 / 111_320, truth[0].lon)), truth)  # type: ignore[operator]
    expected = [math.hypot(40 * (row - 3), 6) for row in (3, 4, 0)]
    assert [one["off_m"] for one in told["candidates"]] == pytest.approx(expected, rel=0.01)
    assert [one["right"] for one in told["candidates"]] == [True, False, False]
    assert told["off_m"] == pytest.approx(10, rel=0.01)
    assert told["candidates"][1]["at"] == [town.places[4].lat, town.places[4].lon]


def test_nothing_is_judged_where_the_truth_is_not_known(street: Any) -> None:
    town = Map.open(street.map)
    told = judged(town, fix_of(town, [3, 4], None), None)
    assert told["off_m"] is None and told["at"] is None
    assert [(one["off_m"], one["right"]) for one in told["candidates"]] == [(None, None)] * 2


def test_local_metres_are_drawn_north_up(street: Any) -> None:
    local = Places.from_table(
        street.places, pa.table({"image": ["a", "b"], "easting": [1.0, 2.0], "northing": [30.0, 40.0]})
    )
    assert spots(local) == [[30.0, 1.0], [40.0, 2.0]]
    assert spots(Places.from_table(street.places, pa.table({"image": ["a"]}))) == [None]
