"""Many machines: the blocks of a store described by the nodes of a Ray cluster, and written here."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lofivpr.descriptors.build import Build, Orders
from lofivpr.descriptors.cluster_worker import Order, packages
from lofivpr.descriptors.crew import Crew
from lofivpr.descriptors.pictures import Pictures
from lofivpr.descriptors.progress import progress_bar, progress_title
from lofivpr.errors import LofiError
from lofivpr.models import precision_of
from lofivpr.models.folder import ONNX_FILE
from lofivpr.models.hub import FILES, find_folder

CONNECT_S = 10.0
STARTED_HERE = ("auto", "local")
"""Addresses without a host: the cluster that this machine is a node of, or one for this process alone."""


@dataclass(frozen=True)
class Cluster:
    """A Ray cluster, and the folder of the model that its nodes describe by.

    `address`: HOST:PORT of the head for a process on one of the nodes, ray://HOST:PORT from elsewhere, or `auto`.
    """

    address: str
    model: str | Path

    def describe(self, orders: Orders, pictures: Pictures, progress: bool) -> None:
        """Write the blocks of one store as nodes have described them, in any order.

        A `GpuModel` is run on the cluster's GPUs alone, another on its CPUs: what was asked for decides, not what the
        cluster has, since the numbers are others.

        Raises:
            LofiError: no such cluster, a quality that sends streams, and of `Crew.blocks`.
        """
        if pictures.footage:
            raise LofiError(
                f"expected a quality that sends each picture by itself, found {pictures.quality}: a stream runs "
                "through from its start, so its blocks cannot be shared out. Describe it on one machine."
            )
        [(build, manifest)] = next(iter(orders.values()))
        rows_of = {number: manifest.rows_of(number) for number in orders}
        title, remaining = progress_title([build.describer], pictures), sum(map(len, rows_of.values()))
        with progress_bar(title, len(pictures.images), remaining, progress) as bar, _connected(self.address) as ray:
            for number, block in self._crew(ray, build).blocks(rows_of, pictures.images):
                build.write(manifest, number, block)
                bar.advance(bar.task_ids[0], len(block))

    def _crew(self, ray: Any, build: Build) -> Crew:
        folder = find_folder(self.model)
        files = {name: (folder / name).read_bytes() for name in FILES if (folder / name).is_file()}
        on_gpu = precision_of(build.describer) != "float32"
        return Crew(ray, _order(build, "gpu" if on_gpu else "onnx" if ONNX_FILE in files else "torch"), files)


def _order(build: Build, runtime: str) -> Order:
    pictures = build.pictures
    return Order(
        root=str(pictures.root),
        folder=os.getcwd(),
        quality=pictures.quality,
        skip_bad=pictures.skip_bad,
        dtype=build.dtype,
        model_digest=build.describer.digest,
        runtime=runtime,
        packages=packages(runtime),
    )


@contextmanager
def _connected(address: str) -> Iterator[Any]:
    """The package ray, connected to a cluster; a connection that this process has already is used."""
    try:
        import ray
        import ray.util.scheduling_strategies
    except ImportError as error:
        raise LofiError(
            f"expected Ray to describe on a cluster, found none ({error}). Run: pip install 'lofivpr[cluster]'"
        ) from error
    ours = not ray.is_initialized()
    if ours:
        _check_listening(address)
        try:
            ray.init(address, log_to_driver=False, logging_level=logging.ERROR)
        except Exception as error:  # ConnectionError, ValueError, RuntimeError of versions that differ, and others
            raise LofiError(
                f"expected a Ray cluster at {address}, found: {error} Start one by `ray start --head`, with the same "
                "versions of Ray and Python on all nodes."
            ) from error
    try:
        yield ray
    finally:
        if ours:
            ray.shutdown()


def _check_listening(address: str) -> None:
    """Ray itself would try for minutes."""
    if address in STARTED_HERE:
        return
    host, _, port = address.removeprefix("ray://").rpartition(":")
    try:
        socket.create_connection((host, int(port)), CONNECT_S).close()
    except (OSError, ValueError) as error:
        reason = "no port" if isinstance(error, ValueError) else getattr(error, "strerror", None) or error
        raise LofiError(
            f"expected a Ray cluster at {address}, found: {reason}. Give HOST:PORT of its head, ray://HOST:PORT from "
            "a machine that is no node, or auto; start one by `ray start --head`."
        ) from error
