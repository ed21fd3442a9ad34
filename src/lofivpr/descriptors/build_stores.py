"""Stores of the same pictures by several models, in step: a picture is opened and encoded once for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from itertools import islice

from lofivpr.descriptors.build import Build, Orders
from lofivpr.descriptors.cluster import Cluster
from lofivpr.descriptors.manifest import Manifest
from lofivpr.descriptors.pictures import Pictures
from lofivpr.descriptors.progress import progress_bar, progress_title


def build_stores(
    builds: Sequence[Build], pictures: Pictures, progress: bool, cluster: Cluster | None = None
) -> list[Manifest]:
    """Build what is missing of each store of `pictures`, here or on a cluster, and return the finished manifests.

    Here, blocks of all stores are written in step: memory holds about two blocks of pictures, however many stores.
    """
    begun = [build.begin() for build in builds]
    missing = [set(build.missing(manifest)) for build, manifest in zip(builds, begun, strict=True)]
    orders = {
        block: [
            (build, manifest) for build, manifest, open_ in zip(builds, begun, missing, strict=True) if block in open_
        ]
        for block in sorted(set().union(*missing))
    }
    if orders:
        (_describe if cluster is None else cluster.describe)(orders, pictures, progress)
    manifests = [
        build.finish(manifest) if open_ or not manifest.complete else manifest
        for build, manifest, open_ in zip(builds, begun, missing, strict=True)
    ]
    for build, manifest in zip(builds, manifests, strict=True):
        build.check_usable(manifest)
    return manifests


def _describe(orders: Orders, pictures: Pictures, progress: bool) -> None:
    """Describe each block into the stores that miss it."""
    rows_of = {block: builds[0][1].rows_of(block) for block, builds in orders.items()}
    rows = [row for rows in rows_of.values() for row in rows]
    models = [build.describer for builds in orders.values() for build, _ in builds]
    window = max(map(len, rows_of.values()))
    arriving = pictures.prepared(rows, {model.preprocessing for model in models}, window)
    title = progress_title(models, pictures)
    with closing(arriving), progress_bar(title, len(pictures.images), len(rows), progress) as bar:
        for block, builds in orders.items():
            prepared = list(islice(arriving, len(rows_of[block])))
            for build, manifest in builds:
                build.write(manifest, block, build.describe(prepared))
            bar.advance(bar.task_ids[0], len(prepared))
