"""Changes of a map: places added, removed, merged."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lofivpr.descriptors.build import listing
from lofivpr.errors import LofiError
from lofivpr.maps import writer
from lofivpr.maps.agree import check_maker
from lofivpr.maps.build import check_places, describe, finish
from lofivpr.maps.contents import Contents
from lofivpr.maps.manifest import Manifest
from lofivpr.models import Describer, identity_of
from lofivpr.places import Places


def add_places(folder: Path, describer: Describer, places: Places, skip_bad: bool, progress: bool) -> None:
    """See `Map.add`."""
    check_places(places)
    with writer.writing(folder):
        before = Contents(folder, Manifest.read(folder))
        manifest = before.manifest
        check_maker(describer, manifest.model, manifest.model_digest, folder)
        _check_frames(before, places)
        source = writer.source_of(places, identity_of(describer), manifest.dtype)
        moved = writer.rebased(places, before.root)
        if not _holds(before, moved, source):
            _check_new(before, moved)
            store = describe(folder, source, describer, places, skip_bad, progress)
            finish(folder, writer.append(folder, manifest, moved, store, source, store.skipped), manifest)
        writer.clean(folder, source)


def remove_places(folder: Path, refs: Sequence[str]) -> None:
    """See `Map.remove`."""
    with writer.writing(folder):
        before = Contents(folder, Manifest.read(folder))
        images = before.places.table["image"]
        wanted = pa.array(list(dict.fromkeys(refs)), pa.string())
        unknown = wanted.filter(pc.invert(pc.is_in(wanted, value_set=images))).to_pylist()
        if unknown:
            raise LofiError(
                f"expected references of pictures in the map {folder}, found {listing(unknown)}. "
                "See `places.images`, or places.arrow in its segments."
            )
        gone = before.row_of[pc.is_in(images, value_set=wanted).to_numpy()]
        if len(gone) == len(before.places):
            raise LofiError(f"expected to leave some places, found all named. Delete the folder {folder} instead.")
        rows = np.concatenate([before.removed, gone])
        finish(folder, writer.buried(folder, before.manifest, rows), before.manifest)


def merge_maps(folder: Path, theirs: Contents) -> None:
    """See `Map.merge`."""
    with writer.writing(folder):
        before = Contents(folder, Manifest.read(folder))
        _check_alike(before, theirs)
        _check_frames(before, theirs.places)
        _check_new(before, writer.rebased(theirs.places, before.root))
        after = writer.copied(folder, before.manifest, theirs, before.root)
        rows = np.concatenate([before.removed, theirs.removed + before.manifest.rows])
        finish(folder, writer.buried(folder, after, rows), before.manifest)


def _check_frames(contents: Contents, places: Places) -> None:
    if (contents.manifest.frame is None) != (places.frame is None):
        raise LofiError(
            f"expected places and the map {contents.folder} in one frame, found one on earth and one in local metres. "
            "Give the places lat and lon, or a zone."
        )


def _check_alike(contents: Contents, other: Contents) -> None:
    mine, theirs = contents.manifest, other.manifest
    if (mine.model_digest, mine.dtype) != (theirs.model_digest, theirs.dtype):
        raise LofiError(
            f"expected a map by {mine.model} ({mine.model_digest}) in {mine.dtype}, found {other.folder} by "
            f"{theirs.model} ({theirs.model_digest}) in {theirs.dtype}. Build it again by the same model and dtype."
        )


def _check_new(contents: Contents, places: Places) -> None:
    images = places.table["image"]
    twice = images.filter(pc.is_in(images, value_set=contents.places.table["image"])).to_pylist()
    if twice:
        raise LofiError(
            f"expected places that are not in the map {contents.folder}, found {listing(twice)} in it. "
            "Remove them from the map first, or leave them out."
        )


def _holds(contents: Contents, places: Places, source: str) -> bool:
    """Whether this very addition was made before, and all of it is still there."""
    same = [segment for segment in contents.manifest.segments if segment.source == source]
    if not same:
        return False
    skipped = pa.array([picture.image for segment in same for picture in segment.skipped], pa.string())
    images = places.table["image"]
    known = pa.concat_arrays([contents.places.table["image"].combine_chunks(), skipped])
    return bool(pc.all(pc.is_in(images, value_set=known)).as_py())
