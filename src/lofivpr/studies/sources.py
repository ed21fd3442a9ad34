"""The pictures of a study: opened, generated, or told what to get and where to put it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from lofivpr.places import Places
from lofivpr.places.random_split import split_by_panorama
from lofivpr.places.town import generate_town
from lofivpr.studies.study import Pictures, StudyError, Town, Trial

TABLE = "places.csv"


def open_pictures(pictures: Pictures, folder: Path) -> Places:
    """The places of one part of a study, of its split if it names one; a town is generated into `folder` once.

    Raises:
        StudyError: neither places nor a town.
        StudyError, PlacesError: nothing there, with what to get and where to put it; or no such split.
    """
    if pictures.town is not None:
        places = Places.open(_generated(pictures.town, folder))
    elif pictures.places is not None:
        if pictures.get and not Path(pictures.places).exists():
            raise StudyError(f"expected pictures at {pictures.places}, found nothing there. {pictures.get}")
        places = Places.open(pictures.places)
    else:
        raise StudyError(
            "expected pictures to study, found a study that names none: give --places PATH, or write `places: PATH` "
            "under `train`."
        )
    if pictures.redraw is not None:
        places = split_by_panorama(places)
    return places if pictures.split is None else places.split(pictures.split)


def pictures_of(trial: Trial, training: Pictures) -> Trial:
    """The trial with pictures: its own, else those of the training."""
    if trial.places is not None or trial.town is not None:
        return trial
    return trial.model_copy(update={"places": training.places, "town": training.town, "get": training.get})


def _generated(town: Town, folder: Path) -> Path:
    out = folder / f"town-{town.seed}-{town.pictures}-{town.size[0]}x{town.size[1]}"
    if not (out / TABLE).is_file():
        generate_town(out, seed=town.seed, pictures=town.pictures, size=town.size)
    return out


def drawn_queries(places: Places, count: int, seed: int) -> Places:
    """The places with `count` of their queries, drawn by `seed`, and with all of the database."""
    queries = np.flatnonzero(places.column("role") == "query")
    if len(queries) <= count:
        return places
    dropped = np.random.default_rng(seed).permutation(queries)[count:]
    return places.select(np.setdiff1d(np.arange(len(places)), dropped))
