"""How far a store is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lofivpr.descriptors.pictures import Pictures

if TYPE_CHECKING:
    from lofivpr.models import Describer


def progress_title(models: Iterable[Describer], pictures: Pictures) -> str:
    """What is described by whom."""
    return f"{', '.join(dict.fromkeys(model.name for model in models))} at {pictures.quality or 'raw'}"


@contextmanager
def progress_bar(title: str, total: int, remaining: int, show: bool) -> Iterator[Progress]:
    """A bar of one task on standard error, for `total` pictures of which `remaining` are to be described."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), disable=not show)
    with bar:
        bar.add_task(title, total=total, completed=total - remaining)
        yield bar
