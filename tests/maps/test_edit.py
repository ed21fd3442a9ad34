from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.maps import ArrayRows, Map
from lofivpr.places import Places

Pictures = Callable[..., Places]
Unit = Callable[..., np.ndarray]


def from_rows(out: Path, places: Places, rows: np.ndarray, **options: Any) -> Map:
    named = {"model": "m", "model_digest": "d"} | options
    return Map.from_rows(ArrayRows(rows), places, out, **named)


def first_pictures(town: Map, queries: np.ndarray) -> list[str]:
    return [town.places.images[row] for row in town.nearest(queries, 1).indices[:, 0]]


class TestAdd:
    def test_added_places_are_found_and_an_open_reader_keeps_what_it_had(
        self, tmp_path: Path, pictures: Pictures, grey: Any
    ) -> None:
        places = pictures(80)
        asked = grey.describe([places.open_image(row) for row in range(80)])
        writer = Map.build(grey, places.select(np.arange(50)), tmp_path / "map")
        reader = Map.open(tmp_path / "map")
        writer.add(grey, places.select(np.arange(50, 80)))
        assert first_pictures(writer, asked) == places.images
        assert len(reader) == 50 and set(reader.nearest(asked, 1).indices[:, 0]) <= set(range(50))
        assert Map.open(tmp_path / "map").info().segments == 2
        np.testing.assert_array_equal(writer.places.points(), places.points())
        assert writer.places.table.equals(places.table)

    def test_the_same_addition_again_changes_nothing(self, tmp_path: Path, pictures: Pictures, grey: Any) -> None:
        places = pictures(10)
        town = Map.build(grey, places.select(np.arange(6)), tmp_path / "map")
        for _ in range(2):
            town.add(grey, places.select(np.arange(6, 10)))
            assert len(town) == 10 and grey.described == 10
        town.remove(["00007.png"])
        with pytest.raises(LofiError, match="found 00006.png, 00008.png, 00009.png in it"):
            town.add(grey, places.select(np.arange(6, 10)))
        town.add(grey, places.select([7]))
        assert sorted(town.places.images) == places.images

    def test_an_interrupted_addition_goes_on(self, tmp_path: Path, pictures: Pictures, make_grey: Any) -> None:
        places = pictures(150)
        town = Map.build(make_grey(), places.select(np.arange(10)), tmp_path / "map")

        class Stops(make_grey):
            def describe(self, images: Any, quality: Any = None) -> np.ndarray:
                if self.described >= 64:
                    raise KeyboardInterrupt
                return super().describe(images, quality)

        with pytest.raises(KeyboardInterrupt):
            town.add(Stops(), places.select(np.arange(10, 150)))
        opened = Map.open(tmp_path / "map")
        assert len(opened) == 10 and opened.info().unfinished == 1
        again = make_grey()
        opened.add(again, places.select(np.arange(10, 150)))
        assert again.described == 140 - 64 and len(opened) == 150 and opened.info().unfinished == 0

    def test_another_folder_of_pictures_is_named_from_the_first(
        self, tmp_path: Path, pictures: Pictures, grey: Any
    ) -> None:
        town = Map.build(grey, pictures(4), tmp_path / "map")
        town.add(grey, pictures(3, "others", first=4))
        assert town.places.images[4:] == [f"../others/0000{i}.png" for i in (4, 5, 6)]
        asked = grey.describe([town.places.open_image(row) for row in range(7)])
        assert town.nearest(asked, 1).indices[:, 0].tolist() == list(range(7))

    def test_another_model_may_not_add(self, tmp_path: Path, pictures: Pictures, make_grey: Any) -> None:
        town = Map.build(make_grey(), pictures(4), tmp_path / "map")
        with pytest.raises(LofiError, match="expected the model that made the map"):
            town.add(make_grey("student", teacher="grey0"), pictures(5))

    def test_local_metres_do_not_go_with_degrees(self, tmp_path: Path, pictures: Pictures, grey: Any) -> None:
        import pyarrow as pa

        places = pictures(4)
        town = Map.build(grey, places.select([0]), tmp_path / "map")
        local = pa.table({"image": ["00001.png"], "easting": [1.0], "northing": [2.0]})
        with pytest.raises(LofiError, match="in one frame"):
            town.add(grey, Places.from_table(places.root, local))


class TestRemove:
    def test_unknown_and_all_are_refused(self, tmp_path: Path, places_of: Any, unit_rows: Unit) -> None:
        town = from_rows(tmp_path / "map", places_of(3), unit_rows(3))
        with pytest.raises(LofiError, match="found nowhere.png"):
            town.remove(["00001.png", "nowhere.png"])
        with pytest.raises(LofiError, match="leave some places"):
            town.remove(town.places.images)
        assert len(Map.open(tmp_path / "map")) == 3

    @given(gone=st.lists(st.lists(st.integers(0, 39), min_size=1, max_size=12, unique=True), max_size=3))
    @settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_what_is_removed_is_gone_and_the_rest_is_found(
        self, tmp_path_factory: pytest.TempPathFactory, places_of: Any, unit_rows: Unit, gone: list[list[int]]
    ) -> None:
        places, rows = places_of(40), unit_rows(40)
        town = from_rows(tmp_path_factory.mktemp("maps") / "map", places, rows, dtype="float32")
        left = list(range(40))
        for some in gone:
            some = [row for row in some if row in left]
            if not some or len(some) == len(left):
                continue
            town.remove([places.images[row] for row in some])
            left = [row for row in left if row not in some]
            assert town.places.images == [places.images[row] for row in left] and len(town) == len(left)
            found = town.nearest(rows[:4], len(left) + 1)
            for query, one, far in zip(rows[:4], found.indices, found.distances, strict=True):
                exact = ((rows[left].astype(np.float64) - query) ** 2).sum(axis=1)
                assert sorted(one[:-1]) == list(range(len(left))) and one[-1] == -1
                np.testing.assert_allclose(far[:-1], np.sort(exact), atol=1e-5)
        town.check()


class TestMerge:
    def test_both_are_found_and_what_was_removed_stays_so(self, tmp_path: Path, pictures: Pictures, grey: Any) -> None:
        mine, theirs = pictures(8), pictures(9, "others", first=8)
        town = Map.build(grey, mine, tmp_path / "map")
        other = Map.build(grey, theirs, tmp_path / "other")
        town.remove(["00002.png"])
        other.remove(["00010.png"])
        town.merge(other)
        assert len(town) == 7 + 8 and len(Map.open(tmp_path / "other")) == 8
        asked = grey.describe([town.places.open_image(row) for row in range(15)])
        assert town.nearest(asked, 1).indices[:, 0].tolist() == list(range(15))
        known = set(town.places.images)
        assert "../others/00008.png" in known and not {"00002.png", "../others/00010.png"} & known
        Map.open(tmp_path / "map").check()
        with pytest.raises(LofiError, match="places that are not in the map"):
            town.merge(other)

    @pytest.mark.parametrize("options", [{"model_digest": "e"}, {"dtype": "int8"}])
    def test_another_model_or_format_is_refused(
        self, tmp_path: Path, places_of: Any, unit_rows: Unit, options: dict
    ) -> None:
        town = from_rows(tmp_path / "map", places_of(3), unit_rows(3))
        other = from_rows(tmp_path / "other", places_of(3, first=3), unit_rows(3), **options)
        with pytest.raises(LofiError, match="Build it again by the same model and dtype"):
            town.merge(other)

    def test_a_small_segment_takes_the_maps_codebook(self, tmp_path: Path, pictures: Pictures, grey: Any) -> None:
        places = pictures(266)
        town = Map.build(grey, places.select(np.arange(260)), tmp_path / "map", dtype="pq72")
        town.add(grey, places.select(np.arange(260, 266)))
        asked = grey.describe([places.open_image(row) for row in range(260, 266)])
        found = town.nearest(asked, 20).indices
        assert all(row in one for row, one in zip(range(260, 266), found, strict=True))


def test_files_that_nothing_names_go_at_the_next_change(tmp_path: Path, places_of: Any, unit_rows: Unit) -> None:
    town = from_rows(tmp_path / "map", places_of(9), unit_rows(9))
    (tmp_path / "map" / "segments" / "00000001-orphan").mkdir()
    (tmp_path / "map" / "segments" / ".00000001-orphan.1234.tmp").mkdir()
    for number in range(4):
        town.remove([f"0000{number}.png"])
    stones = sorted(path.name[:12] for path in (tmp_path / "map" / "tombstones").iterdir())
    assert stones == ["000000000003", "000000000004"], "this one's and the one before, for readers that are opening"
    assert len(list((tmp_path / "map" / "segments").iterdir())) == 1
