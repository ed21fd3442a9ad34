"""The random split by panorama of version 1 of the paper: named, and discouraged."""

from __future__ import annotations

import numpy as np

from lofivpr.places.geodesy import PlacesError
from lofivpr.places.places import Places

FRACTIONS = {"train": 0.70, "val": 0.09, "test": 0.21}


def split_by_panorama(places: Places, seed: int = 0) -> Places:
    """The pictures of the database with new splits: 70, 9 and 21 % of their panoramas, drawn by `seed`.

    Whole panoramas are drawn, but neighbouring ones land in different splits: what is asked was nearly seen in
    training. Standard splits, apart by area, are the honest ones.

    Raises:
        PlacesError: a picture without a panorama, or fewer than 10 panoramas.
    """
    chosen = places.database
    chosen.require("panorama", "a split by panorama")
    panoramas = np.unique(chosen.column("panorama").astype(str))
    if len(panoramas) < 10:
        raise PlacesError(f"expected at least 10 panoramas to split, found {len(panoramas)}. Give the whole data set.")
    order = np.random.default_rng(seed).permutation(len(panoramas))
    ends = np.round(np.cumsum(list(FRACTIONS.values())) * len(panoramas)).astype(int)
    names = np.array(list(FRACTIONS))[np.searchsorted(ends, np.argsort(order), side="right")]
    split_of = dict(zip(panoramas, names, strict=True))
    splits = [str(split_of[panorama]) for panorama in chosen.column("panorama")]
    return chosen.with_column("split", splits).with_column("role", [None] * len(chosen))
