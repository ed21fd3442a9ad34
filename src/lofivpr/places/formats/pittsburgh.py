"""Pittsburgh 250k and its part of 30k (Torii et al., 2013; splits of Arandjelovic et al., 2016)."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lofivpr.places.datasets import dataset_at, public_datasets
from lofivpr.places.formats.labels import SPLITS
from lofivpr.places.formats.registry import Found, register_format
from lofivpr.places.geodesy import PlacesError

ZONE = "17T"
QUERIES = "queries_real"
VIEW = re.compile(r"(\d{6})_pitch[12]_yaw(?:[1-9]|1[0-2])\.jpg")  # 24 views a panorama: 2 pitches x 12 yaws
NAMES = ("pitts30k", "pitts250k")


def _files(path: Path, name: str) -> dict[str, Path]:
    """The .mat files of a data set by split: the path itself, or those in it or in its folder `datasets`."""
    if path.is_file():
        match = re.fullmatch(rf"{name}_({'|'.join(SPLITS)})\.mat", path.name)
        return {match[1]: path} if match else {}
    found = {}
    for split in SPLITS:
        for folder in (path, path / "datasets"):
            if (folder / f"{name}_{split}.mat").is_file():
                found[split] = folder / f"{name}_{split}.mat"
    return found


def _matches(name: str) -> Callable[[Path], bool]:
    def matches(path: Path) -> bool:
        return bool(_files(path, name)) and _chosen(path) == name

    return matches


def _chosen(path: Path) -> str:
    """Which of the two a path is: the published archive holds the .mat files of both.

    Raises:
        PlacesError: both are there, and the folder is named after neither.
    """
    there = [name for name in NAMES if _files(path, name)]
    if len(there) == 1:
        return there[0]
    named = dataset_at(path)
    if named is None or named.name not in there:
        raise PlacesError(
            f"expected pitts30k or pitts250k in {path}, found the .mat files of both. Name one of these conventions, "
            "name the folder after one, or open one file such as datasets/pitts30k_test.mat."
        )
    return named.name


@register_format("pitts30k", order=20, matches=_matches("pitts30k"))
def read_pitts30k(path: Path) -> Found:
    """Read the three splits of Pittsburgh 30k, or one of them by its .mat file. See `read_pittsburgh`."""
    return read_pittsburgh(path, "pitts30k")


@register_format("pitts250k", order=21, matches=_matches("pitts250k"))
def read_pitts250k(path: Path) -> Found:
    """Read the three splits of Pittsburgh 250k, or one of them by its .mat file. See `read_pittsburgh`."""
    return read_pittsburgh(path, "pitts250k")


def read_pittsburgh(path: Path, name: str) -> Found:
    """Read `dbStruct` files: pictures of the database, queries under queries_real, and UTM of zone 17T.

    The panorama of a query gets a `q` before its number, since both sides count from 0.

    Raises:
        PlacesError: no .mat file, one that cannot be read, or an entry that is missing or does not fit.
    """
    files = _files(path, name)
    if not files:
        raise PlacesError(
            f"expected {name}_train.mat, {name}_val.mat or {name}_test.mat in {path} or in {path / 'datasets'}, "
            f"found none. {public_datasets()[name].advice(path)}"
        )
    root = path.absolute().parent if path.is_file() else path
    root = root.parent if path.is_file() and root.name == "datasets" else root
    return Found(root, pa.concat_tables(_table(file, split) for split, file in files.items()))


def _table(file: Path, split: str) -> pa.Table:
    struct = _struct(file)
    told = str(_entry(file, struct, "whichSet"))
    if told != split:
        raise PlacesError(f"expected whichSet {split} in {file}, found {told!r}. Give the file its own name back.")
    sides = [_side(file, struct, role) for role in ("database", "query")]
    table = pa.concat_tables(sides)
    return table.append_column("split", pa.array([split] * len(table), pa.string()))


def _side(file: Path, struct: Any, role: str) -> pa.Table:
    """Image, easting, northing, zone, panorama and role of the database or of the queries."""
    letter, names, number, utm = {
        "database": ("", "dbImage", "numDb", "utmDb"),
        "query": ("q", "qImage", "numQ", "utmQ"),
    }[role]
    images = [str(name).strip().replace("\\", "/") for name in np.atleast_1d(_entry(file, struct, names))]
    count, metres = int(_entry(file, struct, number)), np.asarray(_entry(file, struct, utm), dtype=np.float64)
    metres = metres.reshape(2, -1) if metres.size == 2 else metres
    if len(images) != count or metres.shape != (2, count):
        raise PlacesError(
            f"expected {count} names in {names} ({number}) and {utm} of shape (2, {count}) in {file}, found "
            f"{len(images)} and {metres.shape}. Unpack the archive again."
        )
    prefix = f"{QUERIES}/" if role == "query" else ""
    columns = {
        "image": [image if image.startswith(prefix) else prefix + image for image in images],
        "easting": metres[0],
        "northing": metres[1],
        "zone": [ZONE] * count,
        "panorama": [letter + _panorama(file, image) for image in images],
        "role": [role] * count,
    }
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def _panorama(file: Path, image: str) -> str:
    match = VIEW.fullmatch(image.rpartition("/")[2])
    if match is None:
        raise PlacesError(f"expected names such as 000/000000_pitch1_yaw1.jpg in {file}, found {image!r}.")
    return match[1]


def _struct(file: Path) -> Any:
    """The variable `dbStruct`. MATLAB files hold arrays and structs: reading one runs nothing."""
    from scipy.io import loadmat

    try:
        return loadmat(file, variable_names=["dbStruct"], struct_as_record=False, squeeze_me=True)["dbStruct"]
    except KeyError:
        raise PlacesError(f"expected a variable dbStruct in {file}, found none. Unpack the archive again.") from None
    except Exception as error:  # scipy's reader raises many kinds; all say that this is no such file
        raise PlacesError(f"expected a MATLAB file at {file}, found: {error}. Unpack the archive again.") from None


def _entry(file: Path, struct: Any, name: str) -> Any:
    if not hasattr(struct, name):
        there = ", ".join(getattr(struct, "_fieldnames", [])) or type(struct).__name__
        raise PlacesError(f"expected an entry {name} in dbStruct of {file}, found {there}. Unpack the archive again.")
    return getattr(struct, name)
