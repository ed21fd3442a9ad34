"""What is to be described: a list of pictures at a quality, opened and encoded once for all models that see them."""

from __future__ import annotations

from collections.abc import Collection, Generator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.cores import usable_cores
from lofivpr.descriptors.prepare import Prepared, ahead, prepare
from lofivpr.descriptors.prepare_streams import prepare_streams
from lofivpr.errors import LofiError
from lofivpr.quality.stream import Footage, footage_of

if TYPE_CHECKING:
    from lofivpr.models import Preprocessing
    from lofivpr.quality import Quality

Looks = dict["Preprocessing", np.ndarray]
"""A picture as each model will see it, uint8 H x W x 3, by the model's preprocessing."""


@dataclass(frozen=True)
class Pictures:
    """`images` (below `root`) at `quality`, prepared by `workers` threads.

    `sequences`: pictures of each sequence in order, for a quality that sends them as streams.
    """

    images: tuple[str, ...]
    root: str | Path
    quality: Quality | None
    skip_bad: bool
    workers: int
    sequences: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.images:
            raise LofiError("expected at least one picture to describe, found none.")
        if self.workers < 1:
            raise LofiError(f"expected at least 1 worker, found {self.workers}.")

    @classmethod
    def of(
        cls,
        images: Sequence[str],
        root: str | Path,
        quality: Quality | None,
        skip_bad: bool,
        workers: int | None,
        sequences: Sequence[Sequence[str]],
    ) -> Pictures:
        """As callers have them; `workers` None = one a core."""
        named, members = tuple(str(image) for image in images), tuple(tuple(one) for one in sequences)
        return cls(named, root, quality, skip_bad, usable_cores() if workers is None else workers, members)

    @cached_property
    def footage(self) -> list[Footage]:
        """The streams that the pictures are sent in; none where each is sent by itself."""
        is_stream = self.quality is not None and self.quality.is_stream
        return footage_of(self.images, self.sequences) if is_stream else []

    def prepared(
        self, rows: Sequence[int], models: Collection[Preprocessing], window: int
    ) -> Generator[Prepared[Looks], None, None]:
        """Yield the pictures of `rows`, in that order, for models of these preprocessings; about `window` are held.

        Raises:
            LofiError: a picture cannot be read or the quality does not fit it, unless `skip_bad`.
        """

        # Resized here, a model finds nothing left to resize, and large photographs are not held in memory.
        def resize(picture: np.ndarray) -> Looks:
            return {model: model.resize(picture) for model in models}

        def prepare_one(image: str) -> Prepared[Looks]:
            return prepare(image, self.root, self.quality, resize, self.skip_bad)

        if self.quality is not None and self.footage:
            return prepare_streams(self.images, self.footage, self.root, self.quality, resize, self.skip_bad, rows)
        return ahead(prepare_one, (self.images[row] for row in rows), self.workers, window)
