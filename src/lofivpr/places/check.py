"""What a data set on disk holds and lacks, before hours are spent on it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lofivpr.media import BadImageError, ImageRef
from lofivpr.places.datasets import DataSet, dataset_at, public_datasets
from lofivpr.places.formats import detect
from lofivpr.places.geodesy import PlacesError
from lofivpr.places.places import Places
from lofivpr.places.positives import Positives
from lofivpr.places.protocol import GENERAL, Protocol


@dataclass(frozen=True)
class ProtocolCheck:
    """One protocol on the places: counts, or in `fault` why it cannot be asked.

    positives: the median number of a query that has any.
    """

    protocol: Protocol
    queries: int = 0
    database: int = 0
    with_positives: int = 0
    positives: float = 0.0
    fault: str = ""

    @property
    def published(self) -> str:
        """What the data set should have by its authors, `queries / database`; empty where unknown."""
        terms = self.protocol.terms
        return "" if terms.queries is None else f"{terms.queries} / {terms.database}"

    @property
    def as_published(self) -> bool:
        """Whether the counts are those of the published set, or nothing is known of it."""
        return self.published in ("", f"{self.queries} / {self.database}")


@dataclass(frozen=True)
class Checked:
    """What `check` found.

    Attributes:
        dataset: the public data set that it is, by its convention or its folder's name; None if it is of one's own.
        missing: pictures that the table names and the disk lacks.
        lacking: what else is missing, in words.
    """

    path: Path
    convention: str
    dataset: DataSet | None
    places: Places
    missing: tuple[str, ...]
    lacking: tuple[str, ...]
    asked: tuple[ProtocolCheck, ...]

    @property
    def is_whole(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing and not self.lacking

    @property
    def missing_by_folder(self) -> dict[str, int]:
        """How many pictures are missing in each folder, the worst first."""
        return dict(Counter(image.rpartition("/")[0] or "." for image in self.missing).most_common())


def check(
    path: str | Path, convention: str | None = None, protocol: str | None = None, positives: str | None = None
) -> Checked:
    """Read a data set, look for every picture, and ask its protocols.

    Args:
        convention: a name of `formats.FORMATS`; told from the path by default.
        protocol: the one to ask; by default those of the data set, or the one that fits.
        positives: for the general protocols, 25m by default.

    Raises:
        PlacesError: the path follows no convention, or breaks it.
    """
    found = detect(path, convention)
    places = Places.open(path, found.name)
    dataset = public_datasets().get(found.name) or dataset_at(path)
    missing = tuple(image for image in places.images if not _is_there(places.root, image))
    protocols = _protocols(dataset, places, protocol, positives)
    asked = tuple(_ask(one, places) for one in protocols)
    return Checked(Path(path), found.name, dataset, places, missing, tuple(_lacking(dataset, places)), asked)


def _is_there(root: Path, image: str) -> bool:
    """Whether a picture's file exists; URLs are believed."""
    try:
        file = ImageRef.parse(image).path
    except BadImageError:
        return False
    return "://" in file or (root / file).is_file()


def _lacking(dataset: DataSet | None, places: Places) -> list[str]:
    splits = {split for terms in dataset.protocols.values() for split in terms.splits} if dataset else set()
    lacking = [f"no pictures of split {split}" for split in sorted(splits - set(places.splits))]
    unplaced = int(places.table["easting"].null_count)
    if 0 < unplaced < len(places) and dataset is None:
        lacking.append(f"no position for {unplaced} of {len(places)} pictures")
    return lacking


def _protocols(dataset: DataSet | None, places: Places, name: str | None, positives: str | None) -> list[Protocol]:
    if name is not None and name not in GENERAL:
        return [Protocol.named(name)]
    rule = Positives.parse(positives or _rule(places))
    if name is not None:
        return [Protocol(name, rule)]
    if dataset is not None:
        return [Protocol.named(each) for each in dataset.protocols]
    has_queries = bool((places.column("role") == "query").any())
    return [Protocol("roles" if has_queries else "leave-panorama-out", rule)]


def _rule(places: Places) -> str:
    """Metres where there are positions, else places, else frames."""
    if places.has_positions or places.table["easting"].null_count < len(places):
        return "25m"
    return "place" if places.table["place"].null_count == 0 else "2frames"


def _ask(protocol: Protocol, places: Places) -> ProtocolCheck:
    try:
        cases = protocol.cases(places)
    except PlacesError as error:
        return ProtocolCheck(protocol, fault=str(error))
    counts = np.array([len(rows) for rows in cases.positives])
    some = counts[counts > 0]
    dropped = len(counts) - len(some) if protocol.without_positives == "drop" else 0
    return ProtocolCheck(
        protocol,
        queries=len(cases.queries) - dropped,
        database=len(cases.database),
        with_positives=len(some),
        positives=float(np.median(some)),
    )
