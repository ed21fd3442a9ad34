"""The generated data set: counts, columns, areas, offsets, and the same bytes from any number of workers."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np
import pyproj
import pytest

from lofivpr.errors import LofiError
from lofivpr.places.town import MORNING, Town, generate_town, labels_of
from lofivpr.places.town.generate import shots_of
from lofivpr.places.town.plan import MINIMUM, latitude_longitude, quotas, size_town

SIZE = (96, 72)


def digests(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate_town(tmp_path_factory.mktemp("town"), 5, 42, SIZE, workers=2, progress=False)


def test_table_and_pictures(table: Path) -> None:
    with table.open() as file:
        assert file.readline().strip() == "image,panorama,lat,lon,heading_deg,split,role"
    rows = rows_of(table)
    assert len(rows) == 42
    assert {row["image"] for row in rows} == {f"images/{p.name}" for p in (table.parent / "images").iterdir()}
    assert sorted(p.name for p in table.parent.iterdir()) == ["images", "places.csv"]
    for row in rows[::7]:
        assert cv2.imread(str(table.parent / row["image"])).shape == (72, 96, 3)


def test_same_bytes_for_any_number_of_workers(table: Path, tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "9999_000.jpg").write_bytes(b"of an earlier run")
    generate_town(tmp_path, 5, 42, SIZE, workers=1, progress=False)
    assert digests(tmp_path) == digests(table.parent)


def test_another_seed_is_another_town(table: Path) -> None:
    first, other = (shots_of(seed, 42, SIZE) for seed in (5, 6))
    assert [s.camera.position for s in first] != [s.camera.position for s in other]
    assert [s.name for s in first] == [row["image"] for row in rows_of(table)]


def test_labels_are_those_of_the_pictures_that_were_written(table: Path) -> None:
    shots = [shot for shot in shots_of(5, 42, SIZE) if shot.role == "database"][:2]
    town = Town(5, size_town(5, 42))
    for shot, labels in zip(shots, labels_of([shot.name for shot in shots], 5, 42, SIZE), strict=True):
        view = town.render(shot.camera, MORNING, 1)
        written = cv2.imread(str(table.parent / shot.name))[..., ::-1].astype(float)
        assert np.abs(written - view.image).mean() < 6 and np.array_equal(labels, view.labels)
        assert labels.shape == (72, 96) and len(np.unique(labels)) > 2
    queries = [shot.name for shot in shots_of(5, 42, SIZE) if shot.role == "query"][:1]
    (evening,) = labels_of(queries, 5, 42, SIZE)
    camera = next(shot.camera for shot in shots_of(5, 42, SIZE) if shot.name == queries[0])
    assert np.array_equal(evening, town.labels(camera, traffic=2))
    with pytest.raises(LofiError, match="found images/9999_000.jpg"):
        list(labels_of(["images/9999_000.jpg"], 5, 42, SIZE))


@pytest.mark.parametrize("pictures", [MINIMUM, 100, 402, 1000])
@pytest.mark.parametrize("seed", [0, 9])
def test_plan(seed: int, pictures: int) -> None:
    shots = shots_of(seed, pictures, (480, 360))
    assert len(shots) == pictures and len({s.name for s in shots}) == pictures
    spots = {s.panorama: s for s in shots}
    assert len(spots) == -(-pictures // 4)
    place = {k: np.array(s.camera.position[:2]) for k, s in spots.items()}
    train, test = (np.array([place[k] for k, s in spots.items() if s.split == x]) for x in ("train", "test"))
    assert np.linalg.norm(train[:, None] - test[None], axis=2).min() >= 60
    for split in ("train", "test"):
        roles = [s.role for s in spots.values() if s.split == split]
        assert roles.count("query") >= 1 and roles.count("database") >= 3
        if pictures >= 400:
            assert 2.7 < roles.count("database") / roles.count("query") < 3.4
        database = np.array([place[k] for k, s in spots.items() if (s.split, s.role) == (split, "database")])
        apart = np.sort(np.linalg.norm(database[:, None] - database[None], axis=2), axis=1)[:, 1]
        assert np.median(apart) == pytest.approx(9.0, abs=1.0)
        for k, s in spots.items():
            if (s.split, s.role) == (split, "query"):
                # A query lies between two spots of the database, 9 m apart.
                near = np.sort(np.linalg.norm(database - place[k], axis=1))
                assert near[0] < 7.5 and near[1] < 9.5


def test_four_headings_a_spot_and_offsets_of_the_query() -> None:
    shots = shots_of(0, 400, (480, 360))
    for k in range(0, 100, 9):
        views = [s for s in shots if s.panorama == k]
        headings = np.sort([s.camera.heading_deg for s in views])
        assert np.diff(headings) == pytest.approx([90, 90, 90])
        assert len({s.camera.position for s in views}) == 1
    database = [s.camera for s in shots if s.role == "database"]
    assert {c.heading_deg % 90 for c in database} == {0.0}
    turns = np.array([(s.camera.heading_deg + 45) % 90 - 45 for s in shots if s.role == "query"])
    assert 2 < np.abs(turns).mean() < 8 and np.abs(turns).max() <= 12


def test_latitude_and_longitude_keep_the_distances() -> None:
    """Geodesics on the ellipsoid, not our projection, measure the streets again."""
    rng = np.random.default_rng(2)
    geod = pyproj.Geod(ellps="WGS84")
    for a, b in rng.uniform(0, 900, (20, 2, 2)):
        (lat_a, lon_a), (lat_b, lon_b) = latitude_longitude(*a), latitude_longitude(*b)
        _, _, metres = geod.inv(lon_a, lat_a, lon_b, lat_b)
        assert metres == pytest.approx(np.linalg.norm(a - b), abs=1e-3)
    origin, north = latitude_longitude(0, 0), latitude_longitude(0, 100)
    assert north[0] > origin[0] and north[1] == pytest.approx(origin[1], abs=1e-9)


def test_the_table_gives_the_positions_to_a_millimetre(table: Path) -> None:
    project = pyproj.Proj(proj="aeqd", lat_0=48.5, lon_0=9.0, ellps="WGS84")
    for row, shot in zip(rows_of(table), shots_of(5, 42, SIZE), strict=True):
        x, y = project(float(row["lon"]), float(row["lat"]))
        assert (x, y) == pytest.approx(shot.camera.position[:2], abs=1e-3)
        assert float(row["heading_deg"]) == pytest.approx(shot.camera.heading_deg, abs=0.006)


def test_a_run_that_breaks_off_leaves_no_table(table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generate_town(tmp_path, 5, 32, (32, 24), workers=1, progress=False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("lofivpr.places.town.generate.write_share", full)
    with pytest.raises(LofiError, match="No space left"):
        generate_town(tmp_path, 6, 32, (32, 24), workers=1, progress=False)
    assert not (tmp_path / "places.csv").exists()
    assert [p.name for p in tmp_path.iterdir()] == ["images"]  # the earlier run's, whole


def test_a_failing_worker_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lofivpr.places.town.generate.sys.executable", "/bin/false")
    with pytest.raises(LofiError, match="expected 40 pictures of the town, found 0"):
        generate_town(tmp_path, 0, 40, (32, 24), workers=2, progress=False)
    assert list(tmp_path.iterdir()) == []


def test_impossible_requests_are_refused(tmp_path: Path) -> None:
    with pytest.raises(LofiError, match="at least 32 pictures"):
        generate_town(tmp_path, pictures=8)
    with pytest.raises(LofiError, match="16 x 16"):
        generate_town(tmp_path, size=(8, 8))
    with pytest.raises(LofiError, match="worker"):
        generate_town(tmp_path, workers=0)
    assert quotas(1000) == {"train": (112, 38), "test": (75, 25)}
