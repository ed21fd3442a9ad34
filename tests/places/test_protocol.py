from __future__ import annotations

import json
import os
from dataclasses import FrozenInstanceError
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from lofivpr.places import Cases, Places, PlacesError, Positives, Protocol


def make(**columns: list) -> Places:
    rows = len(next(iter(columns.values())))
    return Places.from_table("data", pa.table({"image": [f"{i}.jpg" for i in range(rows)]} | columns))


STREET = make(
    easting=[0.0, 0.0, 10.0, 10.0, 20.0, 90.0],
    northing=[0.0] * 6,
    panorama=["a", "a", "b", "b", None, None],
    role=["database", "database", "query", "query", "database", "query"],
)


def lists(found: list[np.ndarray] | None) -> list[list[int]]:
    assert found is not None and all(rows.dtype == np.int64 for rows in found)
    return [rows.tolist() for rows in found]


def test_roles() -> None:
    cases = Protocol("roles", Positives.parse("25m")).cases(STREET)
    assert cases.queries.images == ["2.jpg", "3.jpg", "5.jpg"]
    assert cases.database.images == ["0.jpg", "1.jpg", "4.jpg"]
    assert lists(cases.positives) == [[0, 1, 2], [0, 1, 2], []]
    assert cases.excluded is None and cases.queries_without_positives == 1


def test_leave_panorama_out() -> None:
    cases = Protocol("leave-panorama-out", Positives.parse("15m")).cases(STREET)
    assert cases.queries.images == cases.database.images == STREET.images
    assert lists(cases.excluded) == [[0, 1], [0, 1], [2, 3], [2, 3], [4], [5]]
    assert lists(cases.positives) == [[2, 3], [2, 3], [0, 1, 4], [0, 1, 4], [2, 3], []]


def test_it_prints_all_that_a_number_needs() -> None:
    protocol = Protocol("roles", Positives.parse("15m,45deg"), "drop", "teacher@12ab", "raw", "240p/jpeg:5").on(STREET)
    assert str(protocol) == (
        "roles v1: positives 15m,45deg, queries without positives are left out, "
        f"database of teacher@12ab at raw, queries at 240p/jpeg:5, places {STREET.digest}"
    )
    assert "count as misses" in str(Protocol()) and "\n" not in str(protocol)


def test_it_is_a_value_that_goes_through_json() -> None:
    protocol = Protocol("leave-panorama-out", Positives.parse("2frames"), query_quality="60p").on(STREET)
    assert Protocol.from_dict(json.loads(json.dumps(protocol.to_dict()))) == protocol
    assert hash(protocol) == hash(Protocol.from_dict(protocol.to_dict()))
    with pytest.raises(FrozenInstanceError):
        protocol.name = "roles"  # type: ignore[misc]
    with pytest.raises(PlacesError, match="found also radius"):
        Protocol.from_dict({"name": "roles", "radius": 25})


def test_unknown_names_versions_and_countings() -> None:
    with pytest.raises(PlacesError, match=r"roles v1, leave-panorama-out v1, msls-val v1.*\), found msls v1"):
        Protocol("msls")
    with pytest.raises(PlacesError, match="found roles v2"):
        Protocol.from_dict({"name": "roles", "version": 2})
    with pytest.raises(PlacesError, match="miss or drop, found 'skip'"):
        Protocol(without_positives="skip")  # type: ignore[arg-type]


def test_other_places_than_those_of_the_protocol() -> None:
    protocol = Protocol().on(STREET)
    assert len(protocol.cases(STREET).queries) == 3
    with pytest.raises(PlacesError, match=f"expected the places {STREET.digest} of the protocol"):
        protocol.cases(STREET.select([0, 1, 2]))


def test_no_query_with_a_positive() -> None:
    with pytest.raises(PlacesError, match="found none among 3 queries and 3 pictures of the database"):
        Protocol(positives=Positives.parse("1m")).cases(STREET)


def test_cases_check_their_lengths() -> None:
    with pytest.raises(ValueError, match="for each query"):
        Cases(STREET, STREET, [np.empty(0, dtype=np.int64)])


@pytest.mark.skipif("LOFIVPR_REAL_DATA" not in os.environ, reason="LOFIVPR_REAL_DATA is not set")
def test_the_real_sets() -> None:
    root = Path(os.environ["LOFIVPR_REAL_DATA"])
    streets = Places.open(root / "streets").split("test")
    for radius, without in (("25m", 0), ("15m", 20)):
        cases = Protocol(positives=Positives.parse(radius)).cases(streets)
        assert (len(cases.queries), len(cases.database), cases.queries_without_positives) == (
            424,
            1276,
            without,
        )
    left_out = Protocol("leave-panorama-out").cases(streets)
    assert {len(rows) for rows in left_out.excluded or []} == {4}
    tower = Places.open(root / "tower").split("test")
    assert Protocol(positives=Positives.parse("2frames")).cases(tower).queries_without_positives == 0
