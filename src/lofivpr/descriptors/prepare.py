"""Pictures opened and degraded by threads, ahead of the model that describes them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np

from lofivpr.descriptors.segment import Row, Stamp
from lofivpr.errors import LofiError
from lofivpr.media import ImageRef, fetching_once, image_digest, open_image

if TYPE_CHECKING:
    from lofivpr.quality import Quality

A = TypeVar("A")
B = TypeVar("B")


@dataclass(frozen=True, eq=False)
class Prepared(Generic[A]):
    """What the models will see of a picture (None if skipped), and its row."""

    row: Row
    pixels: A | None


def prepare(
    image: str, root: str | Path, quality: Quality | None, resize: Callable[[np.ndarray], A], skip_bad: bool
) -> Prepared[A]:
    """Open `image` (below `root`), send it through `quality`, and `resize` it to what the models read.

    Raises:
        LofiError: it cannot be read or `quality` does not fit it, unless `skip_bad`.
    """
    # The stamp is taken before the contents: a picture replaced meanwhile is found out later.
    stamp, contents = look_at(image, root), None
    try:
        with fetching_once():
            contents = image_digest(image, root)
            picture, n_bytes = open_image(image, root), None
        if quality is not None and not quality.is_raw:
            encoded = quality.encode(picture)
            picture, n_bytes = encoded.image, encoded.n_bytes
        pixels = resize(picture)
    except LofiError as error:
        if not skip_bad:
            raise
        return Prepared(Row(image, -1, contents, stamp, str(error)), None)
    return Prepared(Row(image, -1 if n_bytes is None else n_bytes, contents, stamp), pixels)


def look_at(image: str, root: str | Path) -> Stamp | None:
    """The stamp of the file of `image`, None if there is none on this machine (a URL, a missing file)."""
    try:
        found = os.stat(os.path.join(root, ImageRef.parse(image).path))
    except (OSError, LofiError):
        return None
    return Stamp(found.st_size, found.st_mtime_ns)


def picture_changed(row: Row, root: str | Path, by_content: bool = False) -> bool:
    """Whether the picture of `row` is no longer the one that was described.

    An unchanged size and modification time is taken as unchanged, unless `by_content`; otherwise the
    contents decide, so a copied or touched picture is still the same. What never had a stamp, such as a
    URL, is trusted by its name, unless `by_content`.
    """
    stamp = look_at(row.image, root)
    if stamp == row.stamp and not by_content:
        return False
    try:
        return image_digest(row.image, root) != row.picture
    except (LofiError, OSError):
        return row.picture is not None


def ahead(function: Callable[[A], B], items: Iterable[A], workers: int, window: int) -> Generator[B, None, None]:
    """Yield function(item) in the order of `items`, computed by `workers` threads.

    At most `window` results are under way or waiting, so memory does not grow with `items`. An error of
    `function` is raised in its turn. Close the generator to stop the threads early.
    """
    waiting: deque[Future[B]] = deque()
    pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="prepare")
    try:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
