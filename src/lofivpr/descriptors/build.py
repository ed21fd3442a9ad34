"""Pictures -> store: block by block, resumable, refusing what something else made."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from lofivpr.descriptors.manifest import MANIFEST, Maker, Manifest, SkippedPicture, StaleStoreError
from lofivpr.descriptors.prepare import Prepared, ahead, picture_changed, prepare
from lofivpr.descriptors.prepare_streams import prepare_streams
from lofivpr.descriptors.segment import Block, Row, read_segment, segment_path, write_segment
from lofivpr.errors import LofiError
from lofivpr.quality.stream import Footage, footage_of

if TYPE_CHECKING:
    from lofivpr.models import Describer
    from lofivpr.quality import Quality

ABANDONED_S = 3600.0
"""A temporary file this old was left by a killed process; a younger one may be another process's work."""


@dataclass(frozen=True)
class Build:
    """One order: describe `images` (below `root`) at `quality` into `folder`.

    `sequences`: pictures of each sequence in order, for a quality that sends them as streams.
    """

    folder: Path
    describer: Describer
    images: tuple[str, ...]
    root: str | Path
    quality: Quality | None
    dtype: str
    skip_bad: bool
    workers: int
    sequences: tuple[tuple[str, ...], ...] = ()

    def __post_init__(self) -> None:
        if not self.images:
            raise LofiError(f"expected at least one picture to describe into {self.folder}, found none.")
        if self.dtype not in ("float32", "float16"):
            raise LofiError(f"expected dtype float32 or float16, found {self.dtype!r}.")
        if self.workers < 1:
            raise LofiError(f"expected at least 1 worker, found {self.workers}.")

    @cached_property
    def _footage(self) -> list[Footage]:
        """The streams that the pictures are sent in; none where each is sent by itself."""
        is_stream = self.quality is not None and self.quality.is_stream
        return footage_of(self.images, self.sequences) if is_stream else []

    def run(self, progress: bool) -> Manifest:
        """Build what is missing and return the finished manifest."""
        manifest = self._begin()
        whole = self._whole_blocks(manifest)
        missing = [block for block in range(manifest.n_blocks) if block not in whole]
        if missing or not manifest.complete:
            self._describe_blocks(manifest, missing, progress)
            manifest = self._finish(manifest)
        if len(manifest.skipped) == manifest.maker.rows:
            first = manifest.skipped[0]
            raise LofiError(
                f"expected at least one usable picture, found none among {manifest.maker.rows}; the first: "
                f"{first.reason} Repair them, delete the folder {self.folder} and run again."
            )
        return manifest

    def _begin(self) -> Manifest:
        maker = Maker.of(self.describer, self.images, self.quality, self.dtype, self._footage)
        if (self.folder / MANIFEST).exists():
            manifest = Manifest.read(self.folder)
            differences = manifest.maker.differences(maker)
            if not differences:
                self._remove_abandoned()
                return manifest
            if any(segment_path(self.folder, block).exists() for block in range(manifest.n_blocks)):
                raise StaleStoreError.of(self.folder, differences)
            # A build that failed before its first block, say on a wrong quality, holds nothing to lose.
        elif self.folder.exists() and any(not path.name.startswith(".") for path in self.folder.iterdir()):
            raise LofiError(
                f"expected {self.folder} to be a descriptor store or empty, found other files in it. "
                "Name another folder."
            )
        manifest = Manifest(maker=maker)
        manifest.write(self.folder)
        return manifest

    def _remove_abandoned(self) -> None:
        for path in segment_path(self.folder, 0).parent.glob(".*.tmp"):
            with suppress(FileNotFoundError):  # another process may be done with it just now
                if time.time() - path.stat().st_mtime > ABANDONED_S:
                    path.unlink()

    def _whole_blocks(self, manifest: Manifest) -> set[int]:
        """The blocks that are on disk; refuses those that no longer hold what is asked for."""
        whole: set[int] = set()
        changed: list[str] = []
        skipped: list[Row] = []
        for number in range(manifest.n_blocks):
            try:
                block = read_segment(segment_path(self.folder, number), manifest.block_key(number))
            except LofiError:  # missing or damaged: it is described again
                continue
            whole.add(number)
            changed += [row.image for row in block.rows if picture_changed(row, self.root)]
            skipped += [row for row in block.rows if row.skipped is not None]
        if changed:
            raise StaleStoreError.of(self.folder, [f"the contents of {listing(changed)} changed since"])
        if skipped and not self.skip_bad:
            raise LofiError(
                f"expected every picture to be usable, found {self.folder} built without "
                f"{listing([row.image for row in skipped])}; the first: {skipped[0].skipped} "
                f"Allow bad pictures to be skipped, or repair them and delete the folder {self.folder}."
            )
        return whole

    def _describe_blocks(self, manifest: Manifest, missing: Sequence[int], progress: bool) -> None:
        rows = [row for block in missing for row in manifest.rows_of(block)]
        pictures = self._pictures(rows, window=manifest.block_rows)
        title = f"{self.describer.name} at {manifest.maker.quality}"
        with closing(pictures), _bar(title, len(self.images), len(rows), progress) as bar:
            for block in missing:
                prepared = list(islice(pictures, len(manifest.rows_of(block))))
                finished = Block(tuple(picture.row for picture in prepared), self._describe(prepared))
                write_segment(segment_path(self.folder, block), finished, manifest.block_key(block))
                bar.advance(bar.task_ids[0], len(prepared))

    def _pictures(self, rows: Sequence[int], window: int) -> Generator[Prepared, None, None]:
        if self.quality is not None and self._footage:
            resize = self.describer.preprocessing.resize
            return prepare_streams(self.images, self._footage, self.root, self.quality, resize, self.skip_bad, rows)
        return ahead(self._prepare, (self.images[row] for row in rows), self.workers, window)

    def _prepare(self, image: str) -> Prepared:
        # Resized here, the model finds nothing left to resize, and large photographs are not held in memory.
        return prepare(image, self.root, self.quality, self.describer.preprocessing.resize, self.skip_bad)

    def _describe(self, prepared: Sequence[Prepared]) -> np.ndarray:
        descriptors = np.zeros((len(prepared), self.describer.descriptor_size), self.dtype)
        good = [i for i, picture in enumerate(prepared) if picture.pixels is not None]
        if good:
            pixels = [picture.pixels for picture in prepared if picture.pixels is not None]
            found = np.asarray(self.describer.describe(pixels, [self.quality] * len(good)))
            if found.shape != (len(good), descriptors.shape[1]):
                raise LofiError(
                    f"expected {len(good)} descriptors of {descriptors.shape[1]} numbers from "
                    f"{self.describer.name}, found an array of shape {found.shape}. "
                    "The model's stated size and its output do not agree."
                )
            with np.errstate(over="ignore"):  # what overflows float16 is found by the check below
                descriptors[good] = found
        if not np.isfinite(descriptors).all():
            raise LofiError(
                f"expected finite descriptors from {self.describer.name}, found NaN or infinity among "
                f"{listing([picture.row.image for picture in prepared])}. Check the model's weights"
                f"{', or store float32' if self.dtype == 'float16' else ''}."
            )
        return descriptors

    def _finish(self, manifest: Manifest) -> Manifest:
        pictures, skipped = [], []
        for number in range(manifest.n_blocks):
            block = read_segment(segment_path(self.folder, number), manifest.block_key(number))
            pictures.append(block.pictures_digest)
            for index, row in zip(manifest.rows_of(number), block.rows, strict=True):
                if row.skipped is not None:
                    skipped.append(SkippedPicture(index=index, image=row.image, reason=row.skipped))
        update = {"complete": True, "pictures": tuple(pictures), "skipped": tuple(skipped)}
        finished = manifest.model_copy(update=update)
        finished.write(self.folder)
        return finished


def listing(images: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    rest = len(images) - most
    return ", ".join(images[:most]) + (f" and {rest} more" if rest > 0 else "")


@contextmanager
def _bar(title: str, total: int, remaining: int, show: bool) -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    bar = Progress(*columns, console=Console(stderr=True), disable=not show)
    with bar:
        bar.add_task(title, total=total, completed=total - remaining)
        yield bar
