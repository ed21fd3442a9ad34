"""The public data sets and their protocols, read from `datasets.yaml`."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import yaml

UTM_LAYOUT = "images/test/{database,queries}/@easting@northing@...jpg"


@dataclass(frozen=True)
class Terms:
    """What a named protocol fixes; see the head of `datasets.yaml`.

    Attributes:
        kind: `roles` or `leave-panorama-out`.
        splits: the splits that are asked, all if empty.  query_folder: only queries on a path through it.
        swap: the database asks and the queries are found.
        together: how many leading folders a query and what it finds must share.
        redraw: `panoramas` where the splits are drawn anew by panorama.
        queries, database: pictures of the published set, None where unknown.
        discouraged: why not to use it, empty where nothing speaks against it.
    """

    kind: str = "roles"
    version: int = 1
    positives: str = "25m"
    without_positives: str = "miss"
    splits: tuple[str, ...] = ()
    query_folder: str = ""
    swap: bool = False
    together: int = 0
    redraw: str = ""
    queries: int | None = None
    database: int | None = None
    discouraged: str = ""


@dataclass(frozen=True)
class DataSet:
    """A public data set: its reader's convention, where its archives come from and where they belong."""

    name: str
    title: str
    get: str
    convention: str = "utm-names"
    put: str = UTM_LAYOUT
    protocols: Mapping[str, Terms] = field(default_factory=dict)

    def advice(self, path: str | Path) -> str:
        """What to get, and how it must lie under `path`."""
        return f"Get {self.get}, and unpack it so that {path} holds {self.put}."


@functools.cache
def public_datasets() -> dict[str, DataSet]:
    """All public data sets that have a reader, by name."""
    text = (resources.files("lofivpr.places") / "datasets.yaml").read_text(encoding="utf-8")
    found = {}
    for name, values in yaml.safe_load(text).items():
        protocols = {key: _terms(entry) for key, entry in values.pop("protocols").items()}
        found[name] = DataSet(name, protocols=protocols, **values)
    return found


def _terms(entry: Mapping) -> Terms:
    return Terms(**{**entry, "splits": tuple(entry.get("splits", ()))})


@functools.cache
def named_terms() -> dict[str, Terms]:
    """The terms of all protocols by name, the two that fit any places first."""
    found = {"roles": Terms(), "leave-panorama-out": Terms(kind="leave-panorama-out")}
    for dataset in public_datasets().values():
        found |= dataset.protocols
    return found


def dataset_at(path: str | Path) -> DataSet | None:
    """The public data set that the last folder of a path is named after, as in `data/Pitts30k`; else None."""
    folder = "".join(letter for letter in Path(path).name.lower() if letter.isalnum())
    fitting = [one for one in public_datasets().values() if one.name.replace("-", "") in folder]
    return max(fitting, key=lambda one: len(one.name), default=None)
