from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_msls import CITIES, DATABASE, METRE, QUERIES, write_msls

from lofivpr.places import Places, PlacesError, Protocol

PLAIN = [shot for shot in DATABASE if not shot.pano]


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_msls(tmp_path_factory.mktemp("msls"))


def test_splits_and_roles_without_panoramas(root: Path) -> None:
    places = Places.open(root)
    counts: dict[tuple[str, str], int] = {}
    for place in places:
        counts[place.split, place.role] = counts.get((place.split, place.role), 0) + 1
        assert (root / place.image).is_file()
    asked = sum(shot.asked and not shot.pano for shot in QUERIES)
    assert counts == {
        ("train", "database"): len(PLAIN),
        ("train", "query"): 4,
        ("val", "database"): 2 * len(PLAIN),
        ("val", "query"): 2 * asked,
        ("val-more", "query"): 2 * (4 - asked),
        ("test", "database"): len(DATABASE),  # nothing says which of them are panoramas
        ("test", "query"): len(QUERIES),
    }


def test_positions_headings_and_sequences(root: Path) -> None:
    places = {place.image: place for place in Places.open(root)}
    place = places["train_val/sf/query/images/2q_03-xY.jpg"]
    lat, lon = CITIES["train_val/sf"]
    assert (place.lat, place.lon) == (pytest.approx(lat + 78 * METRE, abs=1e-9), lon)
    assert (place.heading_deg, place.sequence, place.frame, place.zone) == (123.4, "s2q", 3, "10S")
    assert places["test/athens/query/images/3q_00-xY.jpg"].lat is None


def test_the_queries_of_the_papers_search_their_own_city(root: Path) -> None:
    protocol = Protocol.named("msls-val")
    assert protocol.without_positives == "drop" and str(protocol.positives) == "25m"
    cases = protocol.cases(Places.open(root))
    assert len(cases.queries) == 6 and cases.queries_without_positives == 2
    metres = [shot.north for shot in PLAIN]
    for query, rows, out in zip(cases.queries, cases.positives, cases.excluded or [], strict=True):
        city = query.image.split("/")[1]
        north = (query.lat - CITIES[f"train_val/{city}"][0]) / METRE
        near = [f"{number}" for number, metre in enumerate(metres) if abs(metre - north) <= 25]
        assert len(rows) == len(near)
        assert all(cases.database.images[row].split("/")[1] == city for row in rows)
        assert [cases.database.images[row].split("/")[1] != city for row in range(len(cases.database))] == list(
            np.isin(np.arange(len(cases.database)), out)
        )


def test_all_queries_of_other_tools(root: Path) -> None:
    cases = Protocol.named("msls-val-all").cases(Places.open(root))
    assert len(cases.queries) == 8 and cases.excluded is None


def test_one_city_alone(root: Path) -> None:
    city = Places.open(root / "train_val" / "cph")
    assert city.root == root and {image.split("/")[1] for image in city.images} == {"cph"}
    assert len(Protocol.named("msls-val").cases(city).queries) == 3


def test_files_that_are_missing_or_do_not_fit(tmp_path: Path) -> None:
    folder = write_msls(tmp_path) / "train_val" / "cph" / "query"
    text = (folder / "raw.csv").read_text()
    (folder / "raw.csv").write_text(text.replace("1q_03-xY", "other"))
    with pytest.raises(PlacesError, match="expected 1q_03-xY in line 5 of .*raw.csv, .* found other"):
        Places.open(tmp_path)
    (folder / "raw.csv").write_text(text.replace(",pano", ",panorama"))
    with pytest.raises(PlacesError, match="expected columns key, lon, lat, ca, pano in .*raw.csv"):
        Places.open(tmp_path)
    (folder / "raw.csv").write_text("\n".join(text.splitlines()[:-1]) + "\n")
    with pytest.raises(PlacesError, match="expected 5 lines in .*raw.csv, found 4"):
        Places.open(tmp_path)
    (folder / "raw.csv").unlink()
    with pytest.raises(PlacesError, match="expected raw.csv in .*cph/query, found none. Unpack metadata.zip"):
        Places.open(tmp_path)
    with pytest.raises(PlacesError, match="Get metadata.zip and images_vol_1.zip"):
        Places.open(folder, "msls")
