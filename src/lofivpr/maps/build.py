"""A new map: described, packed, named by its manifest; resumable until then."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from lofivpr.descriptors import Cluster, DescriptorStore
from lofivpr.descriptors.build import listing
from lofivpr.errors import LofiError
from lofivpr.maps import writer
from lofivpr.maps.codes import check_dtype, check_rows
from lofivpr.maps.manifest import MANIFEST, STAGING, Manifest
from lofivpr.maps.rows import Rows
from lofivpr.models import Describer, identity_of
from lofivpr.places import Places

Search = Literal["auto", "exact", "ivf"]


def build_map(
    describer: Describer,
    places: Places,
    out: Path,
    dtype: str,
    skip_bad: bool,
    search: Search,
    model_folder: str | Path | None,
    progress: bool,
    cluster: Cluster | None = None,
) -> None:
    """See `Map.build`."""
    check_places(places)
    check_dtype(dtype, describer.descriptor_size)
    check_rows(dtype, len(places))
    source = writer.source_of(places, identity_of(describer), dtype)
    with writer.writing(out):
        if (out / MANIFEST).exists():
            _check_same(out, source)
        else:
            _check_empty(out, source)
            store = describe(out, source, describer, places, skip_bad, progress, cluster)
            manifest = _first_manifest(describer.name, describer.digest, store, places, out, dtype, search)
            if model_folder is not None:
                manifest = manifest.model_copy(update={"model_folder": os.path.relpath(model_folder, out)})
            finish(out, writer.append(out, manifest, places, store, source, store.skipped))
        writer.clean(out, source)


def build_from_rows(
    rows: Rows, places: Places, out: Path, model: str, model_digest: str, dtype: str, search: Search
) -> None:
    """See `Map.from_rows`."""
    check_places(places)
    check_dtype(dtype, rows.dimension)
    check_rows(dtype, len(places))
    if len(rows) != len(places):
        raise LofiError(f"expected one place for each descriptor, found {len(places)} and {len(rows)}.")
    source = writer.source_of(places, model_digest, dtype)
    with writer.writing(out):
        _check_empty(out, source)
        manifest = _first_manifest(model, model_digest, rows, places, out, dtype, search)
        finish(out, writer.append(out, manifest, places, rows, source))


def check_places(places: Places) -> None:
    """Refuse no places, and places without a position."""
    if not len(places):
        raise LofiError("expected at least one place for a map, found none.")
    places.require("easting", "a map")


def describe(
    folder: Path,
    source: str,
    describer: Describer,
    places: Places,
    skip_bad: bool,
    progress: bool,
    cluster: Cluster | None = None,
) -> DescriptorStore:
    """Describe places into the staging of a map, or go on with it."""
    into = writer.staging(folder, source)
    return DescriptorStore.build(
        into, describer, places.images, places.root, skip_bad=skip_bad, progress=progress, cluster=cluster
    )


def finish(folder: Path, manifest: Manifest, before: Manifest | None = None) -> None:
    """Index the new state if its rule says so, and make it the map's."""
    writer.publish(folder, writer.indexed(folder, manifest), before)


def _check_same(out: Path, source: str) -> None:
    """Refuse a map that is there already, unless it is the one asked for."""
    there = Manifest.read(out)
    if there.segments[0].source != source:
        raise LofiError(
            f"expected no map at {out}, found one of other places, another model or number format: {there.places} "
            f"places by {there.model} in {there.dtype}. Use `lofivpr map add` to add places, delete the folder, or "
            "name another."
        )


def _check_empty(out: Path, source: str) -> None:
    """Refuse to build where something else is."""
    ours = {STAGING, "segments", "index"}
    found = sorted(path.name for path in out.iterdir() if not path.name.startswith(".") and path.name not in ours)
    begun = sorted(path.name for path in (out / STAGING).glob("*"))
    if found or (begun and begun != [source]):
        what = f"other files ({listing(found)})" if found else "an unfinished map of other places or another model"
        raise LofiError(f"expected {out} to be empty or absent, found {what}. Delete it or name another folder.")


def _first_manifest(
    model: str, model_digest: str, rows: Rows, places: Places, out: Path, dtype: str, search: Search
) -> Manifest:
    frame = places.frame
    return Manifest(
        model=model,
        model_digest=model_digest,
        dimension=rows.dimension,
        dtype=dtype,
        search=search,
        root=os.path.relpath(places.root, out),
        frame=None if frame is None else (frame.lat, frame.lon),
        segments=(),
    )
