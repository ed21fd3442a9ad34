from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.maps import ArrayRows, Map
from lofivpr.maps import contents as contents_module
from lofivpr.maps.manifest import Manifest
from lofivpr.places import Places
from lofivpr.places.geodesy import GEOD

Pictures = Callable[..., Places]
Unit = Callable[..., np.ndarray]


def from_rows(out: Path, places: Places, rows: np.ndarray, **options: Any) -> Map:
    return Map.from_rows(ArrayRows(rows), places, out, model="m", model_digest="d", **options)


def nearest_slowly(query: np.ndarray, rows: np.ndarray, k: int) -> list[int]:
    return np.argsort(((rows.astype(np.float64) - query) ** 2).sum(axis=1), kind="stable")[:k].tolist()


class TestBuild:
    @pytest.mark.parametrize("dtype", ["float32", "float16", "int8"])
    def test_a_map_finds_its_own_pictures_where_they_are(
        self, tmp_path: Path, pictures: Pictures, grey: Any, dtype: str
    ) -> None:
        places = pictures(70)
        built = Map.build(grey, places, tmp_path / "map", dtype=dtype)
        asked = grey.describe([places.open_image(row) for row in range(70)])
        found = Map.open(tmp_path / "map").nearest(asked, 3)
        assert found.indices[:, 0].tolist() == list(range(70))
        assert [nearest_slowly(query, asked, 3) for query in asked[:5]] == found.indices[:5].tolist()
        assert built.places.table.equals(places.table) and built.places.images == places.images
        assert built.places.open_image(3).tolist() == places.open_image(3).tolist()
        assert built.places.frame == places.frame
        built.check()

    def test_the_same_build_again_describes_nothing(self, tmp_path: Path, pictures: Pictures, make_grey: Any) -> None:
        places, first, second = pictures(10), make_grey(), make_grey()
        Map.build(first, places, tmp_path / "map")
        assert len(Map.build(second, places, tmp_path / "map")) == 10
        assert (first.described, second.described) == (10, 0)
        assert not (tmp_path / "map" / "staging").exists()

    def test_an_interrupted_build_goes_on(self, tmp_path: Path, pictures: Pictures, make_grey: Any) -> None:
        places = pictures(130)

        class Stops(make_grey):
            def describe(self, images: Any, quality: Any = None) -> np.ndarray:
                if self.described >= 64:
                    raise KeyboardInterrupt
                return super().describe(images, quality)

        with pytest.raises(KeyboardInterrupt):
            Map.build(Stops(), places, tmp_path / "map")
        with pytest.raises(LofiError, match="interrupted. Run the command that builds it again"):
            Map.open(tmp_path / "map")
        with pytest.raises(LofiError, match="an unfinished map of other places"):
            Map.build(make_grey(), places.select(np.arange(3)), tmp_path / "map")
        again = make_grey()
        Map.build(again, places, tmp_path / "map").check()
        assert again.described == 130 - 64

    @pytest.mark.parametrize("change", ["places", "model", "dtype"])
    def test_another_map_is_not_overwritten(
        self, tmp_path: Path, pictures: Pictures, make_grey: Any, change: str
    ) -> None:
        places = pictures(10)
        Map.build(make_grey(), places, tmp_path / "map")
        before = (tmp_path / "map" / "manifest.json").read_bytes()
        asked = places.select(np.arange(9)) if change == "places" else places
        model = make_grey("other") if change == "model" else make_grey()
        with pytest.raises(LofiError, match="expected no map at"):
            Map.build(model, asked, tmp_path / "map", dtype="int8" if change == "dtype" else "float16")
        assert (tmp_path / "map" / "manifest.json").read_bytes() == before

    def test_foreign_files_are_left_alone(self, tmp_path: Path, pictures: Pictures, grey: Any) -> None:
        (tmp_path / "map").mkdir()
        (tmp_path / "map" / "letter.txt").write_text("dear")
        with pytest.raises(LofiError, match="other files \\(letter.txt\\)"):
            Map.build(grey, pictures(3), tmp_path / "map")
        assert (tmp_path / "map" / "letter.txt").read_text() == "dear"

    def test_bad_pictures_are_refused_or_listed(self, tmp_path: Path, pictures: Pictures, grey: Any) -> None:
        places = pictures(6)
        (tmp_path / "pictures" / "00002.png").write_bytes(b"no picture")
        with pytest.raises(LofiError, match="00002.png"):
            Map.build(grey, places, tmp_path / "map")
        built = Map.build(grey, places, tmp_path / "map", skip_bad=True)
        assert built.places.images == [f"0000{i}.png" for i in (0, 1, 3, 4, 5)]
        assert [picture.image for picture in built.skipped] == ["00002.png"] and built.info().skipped == 1
        asked = grey.describe([places.open_image(4)])
        assert built.places.images[int(built.nearest(asked, 1).indices[0, 0])] == "00004.png"

    def test_a_place_needs_a_position(self, tmp_path: Path, grey: Any) -> None:
        import pyarrow as pa

        bare = Places.from_table(tmp_path, pa.table({"image": ["a.png"]}))
        with pytest.raises(LofiError, match="a position .* needed for a map"):
            Map.build(grey, bare, tmp_path / "map")
        with pytest.raises(LofiError, match="at least one place"):
            Map.build(grey, bare.select([]), tmp_path / "map")

    def test_pq_says_before_the_work_that_there_are_too_few(
        self, tmp_path: Path, pictures: Pictures, grey: Any
    ) -> None:
        with pytest.raises(LofiError, match="256 places to learn pq72"):
            Map.build(grey, pictures(5), tmp_path / "map", dtype="pq72")
        assert grey.described == 0

    def test_two_writers_are_kept_apart(self, tmp_path: Path, pictures: Pictures, make_grey: Any) -> None:
        places = pictures(5)

        class Nested(make_grey):
            def describe(self, images: Any, quality: Any = None) -> np.ndarray:
                with pytest.raises(LofiError, match="another process"):
                    Map.build(make_grey(), places, tmp_path / "map")
                return super().describe(images, quality)

        assert len(Map.build(Nested(), places, tmp_path / "map")) == 5


class TestOpen:
    def test_opening_reads_no_places_and_no_descriptors(
        self, tmp_path: Path, places_of: Any, unit_rows: Unit, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from_rows(tmp_path / "map", places_of(20), unit_rows(20))

        def refuse(*_: object) -> None:
            raise AssertionError("read")

        monkeypatch.setattr("lofivpr.maps.segment.CodeBlock", refuse)
        monkeypatch.setattr("lofivpr.maps.segment.pa.memory_map", refuse)
        assert len(Map.open(tmp_path / "map")) == 20

    def test_what_is_no_map_is_told(self, tmp_path: Path) -> None:
        with pytest.raises(LofiError, match="lofivpr map build"):
            Map.open(tmp_path / "nowhere")
        (tmp_path / "manifest.json").write_text("{}")
        with pytest.raises(LofiError, match="damaged one or another version's"):
            Map.open(tmp_path)

    @pytest.mark.parametrize("name", ["block-00000.faiss", "points.npy", "places.arrow"])
    def test_missing_cut_and_changed_files_are_told(
        self, tmp_path: Path, places_of: Any, unit_rows: Unit, name: str
    ) -> None:
        opened = from_rows(tmp_path / "map", places_of(20), unit_rows(20))
        opened.check()
        path = next((tmp_path / "map" / "segments").glob(f"*/{name}"))
        data = path.read_bytes()
        path.write_bytes(data[:-3] + bytes([data[-3] ^ 1]) + data[-2:])
        with pytest.raises(LofiError, match=f"found others: segments/.*/{name}"):
            Map.open(tmp_path / "map").check()
        path.write_bytes(data[:-1])
        with pytest.raises(LofiError, match=f"expected {len(data)} bytes"):
            Map.open(tmp_path / "map")
        path.unlink()
        with pytest.raises(LofiError, match="found none"):
            Map.open(tmp_path / "map")

    def test_a_map_may_move_with_its_pictures(self, tmp_path: Path, pictures: Pictures, grey: Any) -> None:
        (tmp_path / "a").mkdir()
        places = pictures(4, "a/pictures")
        Map.build(grey, places, tmp_path / "a" / "map")
        shutil.move(tmp_path / "a", tmp_path / "b")
        assert Map.open(tmp_path / "b" / "map").places.open_image(2).shape == (6, 8, 3)


class TestNearest:
    def test_near_is_what_lies_near(self, tmp_path: Path, places_of: Any, unit_rows: Unit) -> None:
        places, rows = places_of(60), unit_rows(60)
        town = from_rows(tmp_path / "map", places, rows, dtype="float32")
        lat, lon = float(places.column("lat")[30]), 4.0
        distance = [GEOD.inv(lon, lat, 4.0, a)[2] for a in places.column("lat")]
        inside = np.array([far <= 50 for far in distance])
        found = town.nearest(rows[:3], 60, near=(lat, lon), radius_m=50)
        for query, one in zip(rows[:3], found.indices, strict=True):
            assert one[: inside.sum()].tolist() == [row for row in nearest_slowly(query, rows, 60) if inside[row]]
            assert (one[inside.sum() :] == -1).all()

    def test_heading_leaves_those_that_look_elsewhere(self, tmp_path: Path, places_of: Any, unit_rows: Unit) -> None:
        places, rows = places_of(60), unit_rows(60)
        town = from_rows(tmp_path / "map", places, rows)
        found = town.nearest(rows[:1], 60, heading=355, tolerance_deg=30).indices[0]
        headings = places.column("heading_deg")
        turned = [np.isnan(h) or min(abs(h - 355), 360 - abs(h - 355)) <= 30 for h in headings]
        assert set(found[found >= 0]) == set(np.flatnonzero(turned)) and 0 < sum(turned) < 60

    def test_more_than_there_are_is_padded(self, tmp_path: Path, places_of: Any, unit_rows: Unit) -> None:
        town = from_rows(tmp_path / "map", places_of(4), unit_rows(4))
        found = town.nearest(unit_rows(2), 6)
        assert (found.indices[:, 4:] == -1).all() and np.isinf(found.distances[:, 4:]).all()
        assert town.nearest(unit_rows(0), 2).indices.shape == (0, 2)

    @pytest.mark.parametrize("descriptors", [np.zeros(24), np.zeros((1, 23)), np.full((1, 24), np.nan)])
    def test_what_is_no_descriptor_is_refused(
        self, tmp_path: Path, places_of: Any, unit_rows: Unit, descriptors: np.ndarray
    ) -> None:
        town = from_rows(tmp_path / "map", places_of(4), unit_rows(4))
        with pytest.raises(LofiError, match="expected"):
            town.nearest(descriptors, 1)
        with pytest.raises(LofiError, match="k of at least 1"):
            town.nearest(unit_rows(1), 0)


class TestIndex:
    @pytest.fixture
    def large(self, tmp_path: Path, places_of: Any, monkeypatch: pytest.MonkeyPatch) -> tuple[Map, np.ndarray]:
        """A map whose rule asks for an index, of 600 rows about 60 centres."""
        monkeypatch.setattr("lofivpr.maps.writer.EXACT_ROWS", 500)
        monkeypatch.setattr(contents_module, "EXACT_ROWS", 500)
        rng = np.random.default_rng(0)
        rows = (rng.normal(size=(60, 16))[np.arange(600) // 10] + 0.3 * rng.normal(size=(600, 16))).astype(np.float32)
        return from_rows(tmp_path / "map", places_of(600), rows), rows

    def test_the_number_of_places_decides(self, large: tuple[Map, np.ndarray], tmp_path: Path, places_of: Any) -> None:
        assert large[0].info().index.startswith("PCA16,IVF") and large[0].info().index_loss is not None
        small = from_rows(tmp_path / "small", places_of(400), large[1][:400])
        assert small.info().index == "exact" and small.info().index_loss is None
        told = from_rows(tmp_path / "told", places_of(400), large[1][:400], search="ivf")
        assert told.info().index.startswith("PCA16,IVF")
        assert from_rows(tmp_path / "not", places_of(600), large[1], search="exact").info().index == "exact"

    def test_what_it_finds_is_compared_exactly(self, large: tuple[Map, np.ndarray]) -> None:
        town, rows = large
        queries = rows[::20] + np.float32(0.05)
        found, exact = town.nearest(queries, 3), town.nearest(queries, 3, exact=True)
        same = found.indices == exact.indices
        assert same.mean() > 0.95
        np.testing.assert_allclose(found.distances[same], exact.distances[same], rtol=1e-5)
        loss = town.info().index_loss
        assert loss is not None and loss.agreement > 90 and loss.queries == 256

    def test_removed_places_are_not_found_by_it(self, large: tuple[Map, np.ndarray]) -> None:
        town, rows = large
        town.remove(["00040.png", "00007.png"])
        found = town.nearest(rows[[40, 41]], 5).indices
        assert town.info().index != "exact"
        assert [town.places.images[row] for row in found[:, 0]][1] == "00041.png"
        assert "00040.png" not in {town.places.images[row] for row in found.ravel()}

    def test_what_was_merged_is_found_beside_it(
        self, large: tuple[Map, np.ndarray], tmp_path: Path, places_of: Any, unit_rows: Unit
    ) -> None:
        town, more = large[0], unit_rows(100, 16, seed=5)
        before = town.info().index
        town.merge(from_rows(tmp_path / "more", places_of(100, first=600), more))
        assert town.info().unindexed == 100 and town.info().index == before
        assert town.nearest(more[:9], 1).indices[:, 0].tolist() == list(range(600, 609))
        town.merge(from_rows(tmp_path / "last", places_of(200, first=700), unit_rows(200, 16, seed=6)))
        assert town.info().unindexed == 0

    def test_few_places_that_may_be_found_are_compared_one_by_one(
        self, large: tuple[Map, np.ndarray], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        town, rows = large
        monkeypatch.setattr("lofivpr.maps.index.IndexReader.candidates", None)
        assert town.nearest(rows[70:71], 1, near=(52.007, 4.0), radius_m=30).indices.tolist() == [[70]]
        with pytest.raises(TypeError):
            town.nearest(rows[70:71], 1)


class TestInfo:
    def test_the_cost_of_the_format_is_measured(self, tmp_path: Path, places_of: Any, unit_rows: Unit) -> None:
        rows = unit_rows(300, 128)
        exact = from_rows(tmp_path / "exact", places_of(300), rows, dtype="float32").info()
        assert exact.loss is None and exact.n_bytes > 300 * 128 * 4
        coarse = from_rows(tmp_path / "coarse", places_of(300), rows, dtype="pq64").info()
        assert coarse.loss is not None and 0 < coarse.loss.agreement < 100 and coarse.loss.queries == 256
        assert coarse.dtype == "pq64" and coarse.to_dict()["loss"]["queries"] == 256

    def test_files_are_counted(self, tmp_path: Path, places_of: Any, unit_rows: Unit) -> None:
        town = from_rows(tmp_path / "map", places_of(9), unit_rows(9))
        files = [path for path in (tmp_path / "map" / "segments").rglob("*") if path.is_file()]
        assert town.info().n_bytes == sum(path.stat().st_size for path in files)
        assert Manifest.read(tmp_path / "map").places == len(town) == town.info().places == 9
