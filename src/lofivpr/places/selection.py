"""The pictures that a named protocol asks and searches."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lofivpr.places.datasets import Terms
from lofivpr.places.geodesy import PlacesError
from lofivpr.places.places import Places
from lofivpr.places.random_split import split_by_panorama


def asked_of(places: Places, terms: Terms) -> Places:
    """The pictures that a named protocol asks and searches, in their roles.

    Raises:
        PlacesError: a split or a folder of queries is not there.
    """
    if terms.redraw:
        if len(places.splits) < 3:
            raise PlacesError(f"expected the whole data set to draw splits from, found splits {places.splits}.")
        places = split_by_panorama(places)
    if terms.splits:
        if not set(terms.splits) & set(places.splits):
            places.split(terms.splits[0])  # its message names the splits there are
        places = places.select(np.isin(places.column("split").astype(str), terms.splits))
    if terms.query_folder:
        is_query = places.column("role") == "query"
        inside = np.array([terms.query_folder in image.split("/")[:-1] for image in places.images])
        if not (is_query & inside).any():
            raise PlacesError(
                f"expected queries in a folder {terms.query_folder}, found none among {int(is_query.sum())} queries. "
                "Open the folder of the whole data set."
            )
        places = places.select(~is_query | inside)
    if terms.swap:
        is_query = places.column("role") == "query"
        places = places.with_column("role", np.where(is_query, "database", "query").tolist())
    return places


def apart(queries: Places, database: Places, folders: int) -> list[npt.NDArray[np.int64]]:
    """For each query the rows of the database that do not share its leading folders."""
    homes = np.array(["/".join(image.split("/")[:folders]) for image in database.images])
    own = ["/".join(image.split("/")[:folders]) for image in queries.images]
    outside = {home: np.flatnonzero(homes != home) for home in set(own)}
    return [outside[home] for home in own]
