from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lofivpr.errors import LofiError
from lofivpr.maps import Map
from lofivpr.maps.evidence import SeenQuality
from lofivpr.maps.locate import arrived, candidates
from lofivpr.media import open_image
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.search import Neighbours

Pictures = Callable[..., Places]


@pytest.fixture
def town(tmp_path: Path, pictures: Pictures, grey: Any) -> Map:
    return Map.build(grey, pictures(20), tmp_path / "map")


class TestArrived:
    @pytest.fixture
    def photo(self, tmp_path: Path) -> Path:
        pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photo.jpg", quality=50)
        Image.fromarray(pixels).save(tmp_path / "photo.png")
        return tmp_path / "photo.jpg"

    def test_a_file_is_what_it_is(self, photo: Path) -> None:
        image, seen, quality = arrived(photo, None)
        np.testing.assert_array_equal(image, open_image(photo))
        assert seen == SeenQuality("jpeg", 48, 8 * photo.stat().st_size / (48 * 64))
        assert str(quality) == "64x48/jpeg:50"
        assert arrived(photo.with_suffix(".png"), None)[1:] == (SeenQuality(None, 48, None), Quality.parse("48p"))
        assert arrived(image, Quality.parse("raw"))[1:] == (SeenQuality(None, 48, None), Quality.RAW)
        assert arrived(image, None)[1:] == (SeenQuality(None, 48, None), None)

    def test_a_file_is_what_is_in_it_whatever_its_name(self, photo: Path) -> None:
        named = photo.rename(photo.with_name("photo.webp"))
        assert arrived(named, None)[1].codec == "jpeg"

    def test_a_picture_goes_through_a_quality(self, photo: Path) -> None:
        quality = Quality.parse("24p/jpeg:20")
        encoded = quality.encode(open_image(photo))
        image, seen, known = arrived(photo, quality)
        assert known == quality
        np.testing.assert_array_equal(image, encoded.image)
        assert encoded.n_bytes is not None
        assert seen == SeenQuality("jpeg", 24, 8 * encoded.n_bytes / (24 * 32))

    @pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
    def test_what_is_no_picture_is_refused(self, wrong: np.ndarray) -> None:
        with pytest.raises(LofiError, match="uint8 H x W x 3"):
            arrived(wrong, None)


def test_candidates_are_the_places_that_were_found(places_of: Pictures) -> None:
    places = places_of(9)
    rows = np.array([[3, 6, -1], [8, -1, -1], [-1, -1, -1]])
    distances = np.where(rows < 0, np.inf, 0.5).astype(np.float32)
    made = candidates(places, Neighbours(rows.astype(np.int64), distances))
    assert [[one.row for one in some] for some in made] == [[3, 6], [8], []]
    for some in made:
        for one in some:
            place = places[one.row]
            assert (one.ref, one.lat, one.lon, one.heading) == (place.image, place.lat, place.lon, place.heading_deg)
            assert one.similarity == 0.75
    assert made[0][1].heading is None


class TestLocate:
    def test_a_picture_is_found_where_it_was_taken(self, town: Map, grey: Any) -> None:
        picture = town.places.root / "00007.png"
        fix = town.locate(grey, picture, k=2)
        assert fix.answered and fix.probability is None and len(fix.candidates) == 2
        assert fix.best is not None and (fix.best.ref, fix.best.row) == ("00007.png", 7)
        assert fix.best.similarity == pytest.approx(1, abs=1e-3)
        assert fix.lat == pytest.approx(52 + 7e-4, abs=3e-4)
        assert town.locate(grey, open_image(picture), k=2) == fix

    def test_the_model_is_told_the_quality_of_a_file(self, town: Map, grey: Any, tmp_path: Path) -> None:
        """As the service tells it: see tests/serving/test_seen.py."""
        told: list[Quality | None] = []
        plain, pixels = grey.describe, town.places.open_image(7)
        grey.describe = lambda images, quality: told.extend(quality) or plain(images)
        Image.fromarray(pixels).save(tmp_path / "query.jpg", quality=9)
        town.locate(grey, tmp_path / "query.jpg")
        town.locate(grey, pixels)
        town.locate(grey, pixels, quality="jpeg:9")
        height, width = pixels.shape[:2]
        assert told == [Quality.parse(f"{width}x{height}/jpeg:9"), None, Quality.parse("jpeg:9")]

    def test_what_a_client_knows_is_used(self, town: Map, grey: Any) -> None:
        picture = town.places.root / "00007.png"
        fix = town.locate(grey, picture, near=(52.0015, 4.0), radius_m=20)
        assert {one.row for one in fix.candidates} == {14, 15, 16}
        nowhere = town.locate(grey, picture, near=(10.0, 4.0), radius_m=20)
        assert not nowhere.answered and nowhere.lat is None and nowhere.candidates == ()

    def test_a_student_of_the_maps_model_may_ask(self, town: Map, make_grey: Any) -> None:
        picture = town.places.root / "00003.png"
        best = town.locate(make_grey("s", teacher="grey0"), picture).best
        assert best is not None and best.row == 3
        with pytest.raises(LofiError, match="or its student"):
            town.locate(make_grey("s", teacher="another"), picture)

    def test_many_fixes_are_those_of_each(self, town: Map, grey: Any) -> None:
        descriptors = grey.describe([town.places.open_image(row) for row in range(5)])
        made = town.fixes(descriptors, model_digest=grey.digest, k=3)
        assert made == [town.locate(grey, town.places.open_image(row), k=3) for row in range(5)]
        assert town.fixes(descriptors[:0], model_digest=grey.digest) == []

    def test_a_calibration_of_the_same_model_is_used(
        self, town: Map, grey: Any, make_grey: Any, ask_street: Any
    ) -> None:
        from lofivpr.maps.calibrate import Terms, calibration_of

        asked = [ask_street(quality) for quality in ("raw", "240p/jpeg:10")]
        calibration_of(asked, Terms(candidates=12), "grey0", "grey0").write(town.calibration_path)
        opened, picture = Map.open(town.folder), town.places.open_image(7)
        fix = opened.locate(grey, picture)
        assert fix.probability is not None and len(fix.candidates) == 5
        assert opened.info().qualities == ("raw", "240p/jpeg:10")
        assert town.calibration is None or town.calibration.digest == opened.calibration.digest  # type: ignore[union-attr]
        assert opened.locate(grey, picture, calibrated=False).probability is None
        with pytest.raises(LofiError, match="lofivpr map calibrate"):
            opened.locate(make_grey("s", teacher="grey0"), picture)
