"""Mapillary Street-level Sequences (Warburg et al., CVPR 2020)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lofivpr.places.datasets import public_datasets
from lofivpr.places.formats.csv_columns import read_columns
from lofivpr.places.formats.registry import Found, register_format
from lofivpr.places.geodesy import PlacesError

PARTS = ("train_val", "test")
VALIDATION = ("cph", "sf")
SUBTASK = "all"  # of the task im2im; the others are s2w, w2s, d2n, n2d, o2n, n2o
MORE = "val-more"  # pictures of the validation cities that are not of the subtask
ROLES = ("database", "query")  # the names of the folders too
RAW = {"key": pa.string(), "lon": pa.float64(), "lat": pa.float64(), "ca": pa.float64(), "pano": pa.bool_()}


@dataclass(frozen=True)
class Side:
    """One folder of a city: its queries or its database."""

    root: Path
    part: str
    city: str
    role: str

    @property
    def folder(self) -> Path:
        return self.root / self.part / self.city / self.role

    @property
    def split(self) -> str:
        if self.part == "test":
            return "test"
        return "val" if self.city in VALIDATION else "train"


def _sides(path: Path) -> list[Side]:
    """The folders of all cities under the root, or those of the one city that is opened."""
    if path.absolute().parent.name in PARTS and any((path / role).is_dir() for role in ROLES):
        root, cities = path.absolute().parents[1], [path.absolute()]
    else:
        root = path
        cities = [city for part in PARTS if (path / part).is_dir() for city in sorted((path / part).iterdir())]
    sides = [Side(root, city.parent.name, city.name, role) for city in cities for role in ROLES]
    return [side for side in sides if (side.folder / "subtask_index.csv").is_file()]


@register_format("msls", order=23, matches=lambda path: path.is_dir() and bool(_sides(path)))
def read_msls(path: Path) -> Found:
    """Read all cities, or the one whose folder is opened; panoramas (`pano` in raw.csv) are left out.

    Latitude and longitude of raw.csv are the position, `ca` the heading. Pictures of cph and sf are of split
    `val` if subtask_index.csv counts them to im2im (its column `all`: 740 queries in the papers), else of
    `val-more`. The cities of `test` are published without positions.

    Raises:
        PlacesError: no city, a file or column that is missing, or files of a city that do not fit each other.
    """
    sides = _sides(path)
    if not sides:
        raise PlacesError(
            f"expected train_val/<city>/query/subtask_index.csv in {path}, found none. "
            f"{public_datasets()['msls'].advice(path)}"
        )
    return Found(sides[0].root, pa.concat_tables(_table(side) for side in sides))


def _table(side: Side) -> pa.Table:
    subtask = _read(side.folder / "subtask_index.csv", {"key": pa.string(), SUBTASK: pa.bool_()})
    keys, count = subtask["key"], len(subtask)
    place = f"{side.part}/{side.city}/{side.role}/images/"
    columns = {
        "image": pc.binary_join_element_wise(place, keys, ".jpg", ""),
        "role": pa.array([side.role] * count, pa.string()),
        "split": _splits(side, subtask),
        **_sequences(side, keys),
    }
    if side.part == "test":
        nothing = pa.nulls(count, pa.float64())
        return pa.table(columns | {"lat": nothing, "lon": nothing, "heading_deg": nothing})
    raw = _read(side.folder / "raw.csv", RAW)
    _check_keys(side, "raw.csv", raw["key"], keys)
    columns |= {"lat": raw["lat"], "lon": raw["lon"], "heading_deg": raw["ca"]}
    return pa.table(columns).filter(pc.invert(raw["pano"]))


def _splits(side: Side, subtask: pa.Table) -> pa.Array:
    if side.split != "val":
        return pa.array([side.split] * len(subtask), pa.string())
    inside = subtask[SUBTASK].to_numpy().astype(bool)
    return pa.array(np.where(inside, "val", MORE).tolist(), pa.string())


def _sequences(side: Side, keys: pa.ChunkedArray) -> dict[str, pa.ChunkedArray]:
    file = side.folder / "seq_info.csv"
    info = _read(file, {"key": pa.string(), "sequence_key": pa.string(), "frame_number": pa.int64()})
    _check_keys(side, "seq_info.csv", info["key"], keys)
    return {"sequence": info["sequence_key"], "frame": info["frame_number"]}


def _check_keys(side: Side, name: str, found: pa.ChunkedArray, keys: pa.ChunkedArray) -> None:
    """All files of a folder list the same pictures in the same order."""
    if len(found) != len(keys):
        raise PlacesError(f"expected {len(keys)} lines in {side.folder / name}, found {len(found)}. Unpack it again.")
    wrong = np.flatnonzero(~pc.equal(found, keys).to_numpy().astype(bool))
    if len(wrong):
        row = int(wrong[0])
        raise PlacesError(
            f"expected {keys[row]} in line {row + 2} of {side.folder / name}, as in subtask_index.csv, "
            f"found {found[row]}. Unpack metadata.zip again."
        )


def _read(file: Path, types: dict[str, pa.DataType]) -> pa.Table:
    if not file.is_file():
        raise PlacesError(f"expected {file.name} in {file.parent}, found none. Unpack metadata.zip there.")
    return read_columns(file, types)
