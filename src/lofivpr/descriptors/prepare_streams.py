"""Pictures as they arrive in streams, in the order of a store's rows."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from lofivpr.descriptors.prepare import Prepared, look_at
from lofivpr.descriptors.segment import Row
from lofivpr.errors import LofiError
from lofivpr.media import image_digest
from lofivpr.quality import Quality
from lofivpr.quality.stream import Arrived, Footage

A = TypeVar("A")


def prepare_streams(
    images: Sequence[str],
    footage: Sequence[Footage],
    root: str | Path,
    quality: Quality,
    resize: Callable[[np.ndarray], A],
    skip_bad: bool,
    rows: Sequence[int],
) -> Generator[Prepared[A], None, None]:
    """Yield the pictures of `rows`, in that order, each as its stream brings it and then as `resize` leaves it.

    A stream is sent from its start, whichever of its pictures are wanted. Those that arrive before their turn wait,
    already small; where rows follow the frames of a clip, as `lofivpr video` writes them, few do.

    Raises:
        LofiError: a file cannot be read or `quality` does not fit it, unless `skip_bad`.
    """
    home = {row: one for one in footage for row in one.rows}
    running = {id(one): _arrivals(one, quality, root, skip_bad) for one in footage}  # none starts before its turn
    wanted = set(rows)
    waiting: dict[int, Prepared[A]] = {}
    for row in rows:
        while row not in waiting:
            arrived = next(running[id(home[row])])
            if arrived.row in wanted:
                waiting[arrived.row] = _prepared(images[arrived.row], root, arrived, resize)
        yield waiting.pop(row)


def _arrivals(footage: Footage, quality: Quality, root: str | Path, skip_bad: bool) -> Iterator[Arrived]:
    """What a stream brings; with `skip_bad` the pictures behind a fault are told as bad."""
    open_rows = set(footage.rows)
    try:
        for arrived in footage.send(quality, root, skip_bad):
            open_rows.discard(arrived.row)
            yield arrived
    except LofiError as error:
        if not skip_bad:
            raise
        for row in sorted(open_rows):
            yield Arrived(row, None, bad=error)


def _prepared(image: str, root: str | Path, arrived: Arrived, resize: Callable[[np.ndarray], A]) -> Prepared[A]:
    stamp, picture = look_at(image, root), None
    try:
        picture = image_digest(image, root)
    except LofiError as error:
        return Prepared(Row(image, -1, None, stamp, str(error)), None)
    if arrived.image is None:
        return Prepared(Row(image, -1, picture, stamp, str(arrived.bad)), None)
    counts = arrived.n_bytes, picture, stamp, None, arrived.sent_bytes, arrived.sent_frames
    return Prepared(Row(image, *counts), resize(arrived.image))
