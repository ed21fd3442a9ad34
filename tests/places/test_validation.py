from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from lofivpr.places import Places, PlacesError, Positives, Protocol, cut_validation

GEOD = Geod(ellps="WGS84")


def make(**columns: list) -> Places:
    rows = len(next(iter(columns.values())))
    return Places.from_table("data", pa.table({"image": [f"{i}.jpg" for i in range(rows)]} | columns))


def town(seed: int, panoramas: int = 120, views: int = 4, roles: bool = True) -> Places:
    """Panoramas about the border of zones 30 and 31, 1.5 km by 400 m, a quarter of them queries."""
    rng = np.random.default_rng(seed)
    lat = 52.0 + rng.uniform(0, 0.0036, panoramas).repeat(views)
    lon = rng.uniform(-0.011, 0.011, panoramas).repeat(views)
    role = np.where(rng.random(panoramas) < 0.25, "query", "database").repeat(views)
    columns = {
        "lat": lat.tolist(),
        "lon": lon.tolist(),
        "panorama": np.arange(panoramas).repeat(views).astype(str).tolist(),
        "split": ["train"] * len(lat),
    }
    return make(**columns | ({"role": role.tolist()} if roles else {}))


@settings(deadline=None, max_examples=25)
@given(st.integers(0, 1000), st.integers(0, 5), st.floats(0, 80), st.sampled_from([0.1, 0.15, 0.3]))
def test_the_gap_the_share_and_the_roles(data_seed: int, seed: int, gap_m: float, fraction: float) -> None:
    places = town(data_seed)
    train, validation = cut_validation(places, fraction, gap_m, seed)
    assert not set(train.images) & set(validation.images)
    assert len(validation) / len(places) == pytest.approx(fraction, abs=0.02)
    assert not set(train.column("panorama")) & set(validation.column("panorama"))
    # Every pair by the geodesic: none nearer than the gap, and only those nearer were dropped.
    known = set(train.images) | set(validation.images)
    dropped = places.select([image not in known for image in places.images] if len(known) < len(places) else [])

    def nearest(side: Places) -> np.ndarray:
        n, m = len(side), len(validation)
        lon, lat = side.column("lon").repeat(m), side.column("lat").repeat(m)
        metres = GEOD.inv(lon, lat, np.tile(validation.column("lon"), n), np.tile(validation.column("lat"), n))[2]
        return np.asarray(metres).reshape(n, m).min(axis=1)

    assert (nearest(train) > gap_m - 1e-3).all()
    if len(dropped):
        assert (nearest(dropped) < gap_m + 1e-3).all()
    assert len(validation.queries) and len(validation.database)
    given_roles = dict(zip(places.images, places.column("role"), strict=True))
    assert [given_roles[image] for image in validation.images] == validation.column("role").tolist()
    assert validation.splits == ["validation"] and train.splits == ["train"]


def test_it_is_an_area_and_not_a_scatter() -> None:
    """No picture to train on lies between pictures of the validation along the line that cuts."""
    train, validation = cut_validation(town(3))
    x_train, x_validation = train.xy()[:, 0], validation.xy()[:, 0]
    assert x_train.max() < x_validation.min() or x_validation.max() < x_train.min()


def test_seeds_choose_among_the_cuts_and_repeat() -> None:
    places = town(1)
    cuts = [cut_validation(places, seed=seed) for seed in range(4)]
    assert len({validation.digest for _, validation in cuts}) == 4
    sizes = [len(train) for train, _ in cuts]
    assert sizes == sorted(sizes, reverse=True)
    assert cut_validation(places, seed=2)[1].digest == cuts[2][1].digest


def test_places_without_roles_get_them_in_the_validation() -> None:
    train, validation = cut_validation(town(5, roles=False))
    queries = validation.queries
    assert 0.15 < len(queries) / len(validation) < 0.35
    assert not set(queries.column("panorama")) & set(validation.database.column("panorama"))
    assert set(train.column("role")) == {None}


def test_whole_sequences() -> None:
    lengths = [20, 30, 10, 25, 40, 15]
    sequence = [f"s{i}" for i, n in enumerate(lengths) for _ in range(n)]
    frame = [f for n in lengths for f in range(n)]
    role = ["query" if f % 5 == 2 else "database" for f in frame]
    places = make(sequence=sequence, frame=frame, role=role)
    train, validation = cut_validation(places, 0.2, seed=1)
    assert not set(train.column("sequence")) & set(validation.column("sequence"))
    assert len(train) + len(validation) == len(places)
    assert 0.2 * len(places) <= len(validation) <= 0.2 * len(places) + max(lengths)
    assert Protocol(positives=Positives.parse("2frames")).cases(validation).queries_without_positives == 0
    assert cut_validation(places, 0.2, seed=1)[1].digest == validation.digest
    assert len({cut_validation(places, 0.2, seed=seed)[1].digest for seed in range(8)}) > 1


def test_sequences_of_one_role_each_are_taken_until_both_are_there() -> None:
    sequence = [f"s{i}" for i in range(10) for _ in range(5)]
    role = ["query" if name == "s7" else "database" for name in sequence]
    _, validation = cut_validation(make(sequence=sequence, frame=[0] * 50, role=role), 0.1)
    assert "s7" in validation.column("sequence") and len(validation.database)


def test_whole_places_without_roles() -> None:
    train, validation = cut_validation(make(place=[f"p{i // 4}" for i in range(80)]), 0.2)
    assert not set(train.column("place")) & set(validation.column("place"))
    assert Protocol(positives=Positives.parse("place")).cases(validation).queries_without_positives == 0


def test_what_cannot_be_cut() -> None:
    spot = make(easting=[0.0, 1.0, 2.0, 3.0], northing=[0.0] * 4, role=["database", "query"] * 2)
    with pytest.raises(PlacesError, match="area with a gap of 50 m, found no such cut"):
        cut_validation(spot)
    with pytest.raises(PlacesError, match="whole sequences or places, found no such cut"):
        cut_validation(make(sequence=["s"] * 8, frame=list(range(8))))
    with pytest.raises(PlacesError, match="positions, sequences or places for every picture"):
        cut_validation(make(frame=[1, 2, 3]))
    for fraction, gap_m in ((0.0, 50), (1.0, 50), (0.15, -1), (0.15, float("nan"))):
        with pytest.raises(PlacesError, match="0 < fraction < 1"):
            cut_validation(town(0), fraction, gap_m)


@pytest.mark.skipif("LOFIVPR_REAL_DATA" not in os.environ, reason="LOFIVPR_REAL_DATA is not set")
def test_the_real_sets() -> None:
    root = Path(os.environ["LOFIVPR_REAL_DATA"])
    streets = Places.open(root / "streets").split("train")
    train, validation = cut_validation(streets)
    assert len(validation) == 312 and len(train) >= 1500
    assert Protocol().cases(validation).queries_without_positives < 0.1 * len(validation.queries)
    train, validation = cut_validation(Places.open(root / "tower").split("train"))
    assert not set(train.column("sequence")) & set(validation.column("sequence"))
    assert len(validation) >= 0.15 * 1029
