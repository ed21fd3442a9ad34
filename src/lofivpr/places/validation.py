"""Validation places cut out of the places to train on, by area."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from lofivpr.places.geodesy import PlacesError
from lofivpr.places.places import Places

Mask = npt.NDArray[np.bool_]


def cut_validation(places: Places, fraction: float = 0.15, gap_m: float = 50.0, seed: int = 0) -> tuple[Places, Places]:
    """Cut places in two by area: those to train on, and those to validate on.

    With positions, a straight line across the longest or the shortest extent cuts off about `fraction` of the
    pictures, and pictures to train on that are nearer than `gap_m` to any picture of the validation are
    dropped. Of these four cuts, those count that leave both roles on the validation side; `seed` 0 takes the
    one that drops fewest, 1 the next, and so on. Without positions, whole sequences (else whole places),
    drawn by `seed`, go to the validation.

    Roles are kept; where no picture is a query, a quarter of the validation becomes queries. The validation's
    split is named `validation`.

    Raises:
        PlacesError: no cut leaves something on both sides, or there is nothing to cut by.
    """
    if not 0 < fraction < 1 or not gap_m >= 0:
        raise PlacesError(f"expected 0 < fraction < 1 and gap_m >= 0, found {fraction} and {gap_m}.")
    by_area = places.has_positions
    roled = places if (places.column("role") == "query").any() else _with_roles(places, by_area)
    cuts = list(_area_cuts(roled, fraction, gap_m) if by_area else _unit_cuts(roled, fraction, seed))
    good = [cut for cut in cuts if cut[0].any() and _has_both_roles(roled, cut[1])]
    if not good:
        raise PlacesError(
            f"expected to cut {fraction:.0%} of {len(places)} pictures for validation, with database and "
            f"queries, by {f'area with a gap of {gap_m:g} m' if by_area else 'whole sequences or places'}, "
            "found no such cut. Give more pictures, another fraction, or a smaller gap."
        )
    good.sort(key=lambda cut: -int(cut[0].sum()))
    train, validation = good[seed % len(good)]
    held_out = roled.select(validation)
    return places.select(train), held_out.with_column("split", ["validation"] * len(held_out))


def _has_both_roles(places: Places, mask: Mask) -> bool:
    queries = places.column("role")[mask] == "query"
    return bool(queries.any() and not queries.all())


def _with_roles(places: Places, by_area: bool) -> Places:
    """Every fourth panorama asks, where distance tells positives; else every fourth picture, since a sequence
    or a place must keep pictures on both sides."""
    turn = places.groups() if by_area else np.arange(len(places))
    return places.with_column("role", np.where(turn % 4 == 3, "query", "database").tolist())


def _area_cuts(places: Places, fraction: float, gap_m: float) -> Iterator[tuple[Mask, Mask]]:
    xy, points = places.xy(), places.points()
    centred = xy - xy.mean(axis=0)
    axes = np.linalg.eigh(centred.T @ centred)[1].T[::-1]  # longest extent first
    for axis in axes:
        axis = axis * np.sign(axis[np.argmax(np.abs(axis))])  # an eigenvector's sign is arbitrary, a cut must not be
        for along in (centred @ axis, -centred @ axis):
            validation = along > np.quantile(along, 1 - fraction, method="lower")
            if validation.any():
                yield _beyond(points, validation, gap_m), validation


def _beyond(points: npt.NDArray[np.float64], validation: Mask, gap_m: float) -> Mask:
    """The pictures that are not in the validation, nor nearer than `gap_m` to it."""
    nearest = cKDTree(points[validation]).query(points)[0]
    return ~validation & (nearest >= gap_m)


def _unit_cuts(places: Places, fraction: float, seed: int) -> Iterator[tuple[Mask, Mask]]:
    units = _units(places)
    order = np.random.default_rng(seed).permutation(np.unique(units))
    validation = np.zeros(len(places), dtype=bool)
    for unit in order:
        enough = validation.sum() >= fraction * len(places)
        if enough and _has_both_roles(places, validation):
            break
        validation |= units == unit
    yield ~validation, validation


def _units(places: Places) -> npt.NDArray[np.int64]:
    for name in ("sequence", "place"):
        values = places.column(name)
        if all(value is not None for value in values):
            return np.unique(values.astype(str), return_inverse=True)[1].astype(np.int64)
    raise PlacesError(
        "expected positions, sequences or places for every picture to cut a validation by, found pictures "
        "without. Fill one of these columns."
    )
