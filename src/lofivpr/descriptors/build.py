"""One store in the making: which blocks it misses, what a block holds, and what it refuses."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.descriptors.manifest import MANIFEST, Maker, Manifest, SkippedPicture, StaleStoreError
from lofivpr.descriptors.pictures import Looks, Pictures
from lofivpr.descriptors.prepare import Prepared, picture_changed
from lofivpr.descriptors.segment import Block, Row, read_segment, segment_path, write_segment
from lofivpr.errors import LofiError

if TYPE_CHECKING:
    from lofivpr.models import Describer

ABANDONED_S = 3600.0
"""A temporary file this old was left by a killed process; a younger one may be another process's work."""


@dataclass(frozen=True)
class Build:
    """One order: what `describer` says of `pictures`, into `folder`."""

    folder: Path
    describer: Describer
    pictures: Pictures
    dtype: str = "float32"

    def __post_init__(self) -> None:
        if self.dtype not in ("float32", "float16"):
            raise LofiError(f"expected dtype float32 or float16, found {self.dtype!r}.")

    def begin(self) -> Manifest:
        """The manifest that is there, or a new one. Raises StaleStoreError: something else made what is there."""
        pictures = self.pictures
        maker = Maker.of(self.describer, pictures.images, pictures.quality, self.dtype, pictures.footage)
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

    def missing(self, manifest: Manifest) -> list[int]:
        """The blocks that are not on disk; refuses those that are but no longer hold what is asked for."""
        missing: list[int] = []
        changed: list[str] = []
        skipped: list[Row] = []
        for number in range(manifest.n_blocks):
            try:
                block = read_segment(segment_path(self.folder, number), manifest.block_key(number))
            except LofiError:  # not there or damaged: it is described again
                missing.append(number)
                continue
            changed += [row.image for row in block.rows if picture_changed(row, self.pictures.root)]
            skipped += [row for row in block.rows if row.skipped is not None]
        if changed:
            raise StaleStoreError.of(self.folder, [f"the contents of {listing(changed)} changed since"])
        if skipped and not self.pictures.skip_bad:
            raise LofiError(
                f"expected every picture to be usable, found {self.folder} built without "
                f"{listing([row.image for row in skipped])}; the first: {skipped[0].skipped} "
                f"Allow bad pictures to be skipped, or repair them and delete the folder {self.folder}."
            )
        return missing

    def describe(self, prepared: Sequence[Prepared[Looks]]) -> Block:
        """Describe prepared pictures. Raises LofiError: the model's output does not fit, or is not finite."""
        return Block(tuple(picture.row for picture in prepared), self._descriptors(prepared))

    def write(self, manifest: Manifest, number: int, block: Block) -> None:
        """Write the segment of a block."""
        write_segment(segment_path(self.folder, number), block, manifest.block_key(number))

    def _descriptors(self, prepared: Sequence[Prepared[Looks]]) -> np.ndarray:
        look = self.describer.preprocessing
        descriptors = np.zeros((len(prepared), self.describer.descriptor_size), self.dtype)
        good = [i for i, picture in enumerate(prepared) if picture.pixels is not None]
        if good:
            pixels = [picture.pixels[look] for picture in prepared if picture.pixels is not None]
            found = np.asarray(self.describer.describe(pixels, [self.pictures.quality] * len(good)))
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

    def finish(self, manifest: Manifest) -> Manifest:
        """Write the manifest of a store whose segments are all there, and return it."""
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

    def check_usable(self, manifest: Manifest) -> None:
        """Raises LofiError: not one picture of a finished store was usable."""
        if len(manifest.skipped) == manifest.maker.rows:
            first = manifest.skipped[0]
            raise LofiError(
                f"expected at least one usable picture, found none among {manifest.maker.rows}; the first: "
                f"{first.reason} Repair them, delete the folder {self.folder} and run again."
            )


Orders = Mapping[int, Sequence[tuple[Build, Manifest]]]
"""The stores that miss a block, by its number."""


def listing(images: Sequence[str], most: int = 3) -> str:
    """The first few names, and how many more there are."""
    rest = len(images) - most
    return ", ".join(images[:most]) + (f" and {rest} more" if rest > 0 else "")
