from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_pittsburgh import PANORAMAS, cells, position, struct, write_pittsburgh
from scipy.io import savemat

from lofivpr.places import Places, PlacesError, Protocol
from lofivpr.places.random_split import split_by_panorama


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pittsburgh(tmp_path_factory.mktemp("data") / "pitts250k")


def test_every_picture_with_its_split_role_and_position(root: Path) -> None:
    places = Places.open(root)
    assert len(places) == sum(24 * len(numbers) + sum(n % 2 == 0 for n in numbers) for numbers in PANORAMAS.values())
    for place in places:
        number = int(place.image.rpartition("/")[2][:6])
        assert place.split == next(name for name, numbers in PANORAMAS.items() if number in numbers)
        assert place.role == ("query" if place.image.startswith("queries_real/") else "database")
        aside = 5.0 if place.role == "query" else 0.0
        assert (place.easting, place.northing) == pytest.approx(tuple(position(number, aside)), abs=1e-3)
        assert place.zone == "17T" and place.panorama == ("q" if aside else "") + f"{number:06d}"
        assert (root / place.image).is_file()
    assert places.open_image(0).shape == (12, 16, 3)


def test_positives_of_the_published_protocol(root: Path) -> None:
    cases = Protocol.named("pitts250k-test").cases(Places.open(root))
    for query, rows in zip(cases.queries, cases.positives, strict=True):
        number = int(query.panorama[1:])
        near = [n for n in PANORAMAS["test"] if np.linalg.norm(position(n) - position(number, 5.0)) <= 25]
        assert {cases.database[int(row)].panorama for row in rows} == {f"{n:06d}" for n in near}
        assert len(rows) == 24 * len(near)


def test_the_folder_or_the_file_says_which_of_the_two(root: Path, tmp_path: Path) -> None:
    assert len(Places.open(root, "pitts30k").database) == 4 * 18
    only = Places.open(root / "datasets" / "pitts30k_val.mat")
    assert only.splits == ["val"] and only.root == root and (root / only.images[0]).is_file()
    both = write_pittsburgh(tmp_path / "pittsburgh", pictures=False)
    with pytest.raises(PlacesError, match="expected pitts30k or pitts250k .* found the .mat files of both"):
        Places.open(both)
    one = write_pittsburgh(tmp_path / "elsewhere", ("pitts30k",), pictures=False)
    assert len(Places.open(one).database) == 4 * 18


def test_the_random_split_draws_panoramas_and_is_discouraged(root: Path) -> None:
    places = Places.open(root)
    drawn = split_by_panorama(places, seed=3)
    splits: dict[str, set[str]] = {}
    for place in drawn:
        splits.setdefault(place.panorama, set()).add(place.split)
    assert all(len(found) == 1 for found in splits.values()) and len(splits) == 18
    counts = [sum(found == {name} for found in splits.values()) for name in ("train", "val", "test")]
    assert counts == [13, 1, 4]  # 70 %, 9 % and 21 % of 18
    assert split_by_panorama(places, seed=3).digest == drawn.digest != split_by_panorama(places, seed=4).digest
    protocol = Protocol.named("pitts250k-random-panoramas")
    assert "discouraged: train and database interleave" in str(protocol)
    with pytest.raises(PlacesError, match="the whole data set"):
        protocol.cases(places.split("test"))


def test_the_random_protocol_asks_every_picture_of_the_drawn_test_panoramas(root: Path) -> None:
    cases = Protocol.named("pitts250k-random-panoramas").cases(Places.open(root))
    assert len(cases.queries) == 4 * 24 and cases.queries.images == cases.database.images
    assert {len(rows) for rows in cases.excluded or []} == {24}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"whichSet": "val"}, "expected whichSet test in .*, found 'val'"),
        ({"numDb": 7.0}, "expected 7 names in dbImage .numDb. .*, found 120"),
        ({"utmQ": np.zeros((2, 9))}, r"utmQ of shape \(2, 2\).*, found 2 and \(2, 9\)"),
        ({"qImage": cells(["a.jpg", "b.jpg"])}, "expected names such as 000/000000_pitch1_yaw1.jpg .*'a.jpg'"),
        ({"utmDb": None}, "expected an entry utmDb in dbStruct"),
    ],
)
def test_files_that_do_not_fit(tmp_path: Path, change: dict, message: str) -> None:
    values = {key: value for key, value in (struct("test") | change).items() if value is not None}
    if "qImage" in change:
        values |= {"numQ": 2.0}
    savemat(tmp_path / "pitts250k_test.mat", {"dbStruct": values})
    with pytest.raises(PlacesError, match=message):
        Places.open(tmp_path)


def test_files_of_another_kind_and_none(tmp_path: Path) -> None:
    with pytest.raises(PlacesError, match="expected pitts30k_train.mat.* Get netvlad_v100_datasets.tar.gz"):
        Places.open(tmp_path, "pitts30k")
    (tmp_path / "pitts30k_val.mat").write_text("text")
    with pytest.raises(PlacesError, match="expected a MATLAB file"):
        Places.open(tmp_path)
    savemat(tmp_path / "pitts30k_val.mat", {"net": 1.0})
    with pytest.raises(PlacesError, match="expected a variable dbStruct"):
        Places.open(tmp_path)
