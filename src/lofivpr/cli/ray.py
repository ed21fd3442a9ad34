"""`--ray`: other machines describe."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lofivpr.descriptors import Cluster

RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray",
        metavar="ADDRESS",
        help="Describe on the nodes of a Ray cluster: HOST:PORT of its head, ray://HOST:PORT from elsewhere, or auto.",
    ),
]


def cluster_at(address: str | None, model: Path) -> Cluster | None:
    """The cluster of `--ray`, None where it was not given."""
    return None if address is None else Cluster(address, model)
