"""Changes of a map on disk: each ends in one new manifest, and a kill before it leaves the map as it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from lofivpr.descriptors import SkippedPicture
from lofivpr.errors import LofiError
from lofivpr.files import atomic_path, digest
from lofivpr.maps.codes import MIN_PQ_ROWS, PQ, TRAIN_ROWS, train
from lofivpr.maps.contents import Contents
from lofivpr.maps.filters import Filter
from lofivpr.maps.index import EXACT_ROWS, train_index, write_index
from lofivpr.maps.loss import exact_first, first_other, measure_loss, sampled_queries
from lofivpr.maps.manifest import STAGING, Index, Loss, Manifest, Segment, Tombstones
from lofivpr.maps.remote import ORIGIN
from lofivpr.maps.rows import Rows
from lofivpr.maps.segment import (
    PLACES,
    SegmentReader,
    segment_folder,
    stored_file,
    write_array,
    write_places,
    write_segment,
)
from lofivpr.maps.shelf import Shelf
from lofivpr.places import Places
from lofivpr.urls import as_url

try:
    import fcntl
except ImportError:  # no such locks on this system
    fcntl = None  # type: ignore[assignment]

UNINDEXED_SHARE = 0.25
"""An index that leaves out more of the rows is made anew."""


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Be the only writer of a map; the lock goes with the process, however it ends.

    Raises:
        LofiError: another process is writing, or it is the copy of a map at a URL.
    """
    check_not_copied(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / ".lock", "w") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise LofiError(
                    f"expected nobody else to change the map {folder}, found another process that does. "
                    "Run the command again when it is done."
                ) from error
        yield


def check_not_copied(folder: Path) -> None:
    """Refuse to change a map at a URL, or the copy of one: the next copy would not know. Raises LofiError."""
    url = as_url(folder)
    if url is None and (folder / ORIGIN).is_file():
        url = (folder / ORIGIN).read_text(encoding="utf-8").strip()
    if url is not None:
        raise LofiError(
            f"expected a map of this machine to change, found {url}. Change a map where it was built, and put it there "
            "again."
        )


def staging(folder: Path, source: str) -> Path:
    """Where pictures are described before they become a segment."""
    return folder / STAGING / source


def clean(folder: Path, source: str) -> None:
    """Remove what an addition leaves behind once the manifest names its segment."""
    shutil.rmtree(staging(folder, source), ignore_errors=True)
    if (folder / STAGING).is_dir() and not any((folder / STAGING).iterdir()):
        (folder / STAGING).rmdir()


def source_of(places: Places, model: str, dtype: str) -> str:
    """Names what a segment is made of; `model` as `identity_of` names it."""
    return digest(places.digest, model, dtype)


def rebased(places: Places, root: Path) -> Places:
    """The same places with references relative to another folder; URLs and absolute paths stay."""
    prefix = os.path.relpath(places.root, root)
    if prefix == ".":
        return places
    images = places.table["image"].combine_chunks()
    fixed = pc.or_(pc.starts_with(images, "/"), pc.match_substring(images, "://"))
    moved = pc.if_else(fixed, images, pc.binary_join_element_wise(prefix, images, "/"))
    return Places(
        root, places.table.set_column(places.table.schema.get_field_index("image"), "image", moved), places.frame
    )


def append(
    folder: Path, manifest: Manifest, places: Places, rows: Rows, source: str, skipped: tuple[SkippedPicture, ...] = ()
) -> Manifest:
    """The manifest with one more segment, which is written; `places` are those of `rows`, `ok` or not."""
    usable = np.flatnonzero(rows.ok)
    kept = places.select(usable)
    name = f"{len(manifest.segments):08d}-{source[:8]}"
    code = _code(folder, manifest, rows, usable)
    segment = write_segment(folder, name, kept, rows, code, source, skipped)
    if manifest.dtype != "float32":
        segment = segment.model_copy(update={"loss": _segment_loss(folder, segment, kept, rows)})
    return manifest.model_copy(update={"segments": (*manifest.segments, segment)})


def _code(folder: Path, manifest: Manifest, rows: Rows, usable: np.ndarray) -> Any:
    """The format of a new segment, learnt from its rows; a codebook that they are too few for is the map's."""
    needed = TRAIN_ROWS if manifest.segments else MIN_PQ_ROWS
    if PQ.fullmatch(manifest.dtype) and len(usable) < needed and manifest.segments:
        largest = max(manifest.segments, key=lambda segment: segment.rows)
        return Shelf([SegmentReader(folder, largest)]).format()
    few = usable[np.linspace(0, len(usable) - 1, min(len(usable), TRAIN_ROWS)).astype(np.int64)]
    # float formats learn nothing; one row says the dimension.
    return train(manifest.dtype, rows.rows(few[:1] if manifest.dtype.startswith("float") else few))


def _segment_loss(folder: Path, segment: Segment, places: Places, rows: Rows) -> Loss | None:
    asked, excluded = sampled_queries(places)
    if not len(asked):
        return None
    queries, exact = exact_first(rows, asked, excluded)
    return measure_loss(places, queries, asked, excluded, exact, Shelf([SegmentReader(folder, segment)]).nearest)


def indexed(folder: Path, manifest: Manifest) -> Manifest:
    """The manifest with the index that its rule asks for: none, the one that there is, or a new one."""
    wanted = manifest.search == "ivf" or (manifest.search == "auto" and manifest.places > EXACT_ROWS)
    if not wanted:
        return manifest.model_copy(update={"index": None})
    if manifest.index and manifest.index.rows >= (1 - UNINDEXED_SHARE) * manifest.rows:
        return manifest
    contents = Contents(folder, manifest.model_copy(update={"index": None}))
    trained = train_index(contents.shelf, manifest.rows)
    name = f"index/{manifest.rows:012d}-{digest(*(s.name for s in manifest.segments))[:8]}.faiss"
    with atomic_path(folder / name) as temporary:
        write_index(temporary, trained.index)
    file = stored_file(folder / name)
    entry = Index(name=name, kind=trained.kind, rows=manifest.rows, file=file, nprobe=trained.nprobe)
    measured = entry.model_copy(update={"loss": _index_loss(folder, manifest.model_copy(update={"index": entry}))})
    return manifest.model_copy(update={"index": measured})


def _index_loss(folder: Path, manifest: Manifest) -> Loss | None:
    """Against comparing every place by the same codes."""
    contents = Contents(folder, manifest)
    asked, excluded = sampled_queries(contents.places)
    if not len(asked):
        return None
    queries = contents.shelf.decode(contents.row_of[asked])
    every, k = Filter(), 1 + max(map(len, excluded))
    exact = first_other(contents.nearest(queries, k, every, exact=True)[1], excluded)
    return measure_loss(contents.places, queries, asked, excluded, exact, lambda q, n: contents.nearest(q, n, every))


def buried(folder: Path, manifest: Manifest, rows: np.ndarray) -> Manifest:
    """The manifest without `rows` (int64, those that were removed before among them), whose list is written."""
    if not len(rows):
        return manifest.model_copy(update={"tombstones": None})
    rows = np.unique(rows).astype(np.int64)
    name = f"tombstones/{len(rows):012d}-{digest(rows.tobytes())[:8]}.npy"
    with atomic_path(folder / name) as temporary:
        write_array(temporary, rows)
    stones = Tombstones(name=name, rows=len(rows), file=stored_file(folder / name))
    return manifest.model_copy(update={"tombstones": stones})


def copied(folder: Path, manifest: Manifest, other: Contents, root: Path) -> Manifest:
    """The manifest with the segments of another map, which are copied, their references relative to `root`."""
    segments = list(manifest.segments)
    for segment in other.manifest.segments:
        name = f"{len(segments):08d}-{segment.source[:8]}"
        with atomic_path(segment_folder(folder, name)) as temporary:
            shutil.copytree(segment_folder(other.folder, segment.name), temporary)
            places = other.places_of(segment)
            (temporary / PLACES).unlink()
            write_places(temporary / PLACES, rebased(places, root).table)
            files = segment.files | {PLACES: stored_file(temporary / PLACES)}
        segments.append(segment.model_copy(update={"name": name, "files": files}))
    return manifest.model_copy(update={"segments": tuple(segments)})


def publish(folder: Path, manifest: Manifest, before: Manifest | None = None) -> None:
    """Make a manifest the map's, and remove what neither it nor the one before names.

    Readers that opened the state before go on with it.
    """
    manifest.write(folder)
    named = {name for one in (manifest, before) if one for name in one.files}
    kept = {str(Path(*Path(name).parts[:2])) for name in named}
    for path in (path for part in ("segments", "index", "tombstones") for path in (folder / part).glob("*")):
        if str(path.relative_to(folder)) not in kept:
            shutil.rmtree(path) if path.is_dir() else path.unlink()
