"""Descriptors on disk."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.descriptors.build import Build
from lofivpr.descriptors.build_stores import build_stores
from lofivpr.descriptors.cluster import Cluster
from lofivpr.descriptors.manifest import Maker, Manifest, SkippedPicture
from lofivpr.descriptors.pictures import Pictures
from lofivpr.descriptors.prepare import picture_changed
from lofivpr.descriptors.segment import Block, Row, read_segment, segment_path
from lofivpr.errors import LofiError
from lofivpr.files import digest

if TYPE_CHECKING:
    from lofivpr.models import Describer
    from lofivpr.quality import Quality


class DescriptorStore:
    """The descriptors of a list of pictures, by one model at one quality, with what made them.

    On disk: `segments/NNNNNNNN.arrow`, one immutable Arrow file for each block of 64 rows, and
    `manifest.json`. Every file appears by a rename, so that a store is whole or resumable at any moment.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self._manifest = manifest

    @classmethod
    def build(
        cls,
        folder: str | Path,
        describer: Describer,
        images: Sequence[str],
        root: str | Path,
        quality: Quality | None = None,
        dtype: str = "float32",
        skip_bad: bool = False,
        workers: int | None = None,
        progress: bool = True,
        sequences: Sequence[Sequence[str]] = (),
        cluster: Cluster | None = None,
    ) -> DescriptorStore:
        """Describe `images` (references below `root`) into `folder`, or open it if that is done already.

        Memory does not grow with the number of pictures. After an interrupt or a kill the same call goes
        on with the first block that is not whole. On reuse a picture is read again only if its size or
        modification time changed, and counts as changed only if its contents did.

        Args:
            quality: what the pictures go through first; None or raw leaves them alone. One with a frame rate sends
                frames of clips, and pictures of `sequences`, as streams, see `lofivpr.quality.stream`.
            dtype: "float32", or "float16" for half the disk and errors of about 5e-4 of each number.
            skip_bad: leave out pictures that cannot be used, their rows zeros, and list them in `skipped`.
            workers: threads that open and degrade; None = one a core. A stream has one.
            sequences: all pictures of each sequence in order, those to describe among them.
            cluster: machines that describe, with their cores; the store is the same.

        Raises:
            StaleStoreError: `folder` holds what another model, quality or list of pictures made.
            LofiError: a picture cannot be used, the disk is full, or the model's output does not fit.
        """
        pictures = Pictures.of(images, root, quality, skip_bad, workers, sequences)
        build = Build(Path(folder), describer, pictures, dtype)
        return cls(build.folder, build_stores([build], pictures, progress, cluster)[0])

    @classmethod
    def build_all(
        cls,
        describers: Mapping[Path, Describer],
        images: Sequence[str],
        root: str | Path,
        quality: Quality | None = None,
        skip_bad: bool = False,
        progress: bool = True,
        sequences: Sequence[Sequence[str]] = (),
    ) -> list[DescriptorStore]:
        """As `build` in float32, for several models: into each folder by its describer.

        A picture is opened and encoded once for all stores that miss it.
        """
        pictures = Pictures.of(images, root, quality, skip_bad, None, sequences)
        builds = [Build(folder, describer, pictures) for folder, describer in describers.items()]
        manifests = build_stores(builds, pictures, progress)
        return [cls(build.folder, manifest) for build, manifest in zip(builds, manifests, strict=True)]

    @classmethod
    def open(cls, folder: str | Path) -> DescriptorStore:
        """Open a finished store; no picture is looked at.

        Raises:
            LofiError: there is no store, it is unfinished, or a segment is missing.
        """
        folder = Path(folder)
        manifest = Manifest.read(folder)
        there = sum(segment_path(folder, block).is_file() for block in range(manifest.n_blocks))
        if not manifest.complete or there < manifest.n_blocks:
            raise LofiError(
                f"expected a finished descriptor store at {folder}, found an unfinished one with {there} of "
                f"{manifest.n_blocks} blocks. Run the command that builds it again: it goes on where it stopped."
            )
        return cls(folder, manifest)

    def __len__(self) -> int:
        return self.maker.rows

    def __repr__(self) -> str:
        size = f"{self.maker.rows} x {self.maker.dimension}"
        return f"DescriptorStore({self.folder}: {size}, {self.maker.model} at {self.maker.quality})"

    @property
    def maker(self) -> Maker:
        """What made the descriptors."""
        return self._manifest.maker

    @property
    def dimension(self) -> int:
        """Numbers in a descriptor."""
        return self.maker.dimension

    @property
    def digest(self) -> str:
        """Digest of what made the store, the contents of the pictures included."""
        return digest(self.maker.key, *self._manifest.pictures)

    @property
    def skipped(self) -> tuple[SkippedPicture, ...]:
        """The pictures without a descriptor, and why."""
        return self._manifest.skipped

    @cached_property
    def ok(self) -> np.ndarray:
        """bool N: whether a row holds a descriptor; False where the picture was skipped."""
        ok = np.ones(len(self), bool)
        ok[[picture.index for picture in self.skipped]] = False
        return ok

    @cached_property
    def images(self) -> list[str]:
        """The reference of each row's picture."""
        return [row.image for row in self._rows()]

    @cached_property
    def n_bytes(self) -> np.ndarray:
        """int64 N: bytes of each encoded picture; -1 where the quality has no codec or it was skipped."""
        return np.array([row.n_bytes for row in self._rows()], np.int64)

    @cached_property
    def bytes_per_frame(self) -> float | None:
        """Mean bytes of all frames that the streams sent up to their last picture; None where there are none."""
        sent = [(row.sent_bytes, row.sent_frames) for row in self._rows() if row.sent_frames > 0]
        return sum(n_bytes for n_bytes, _ in sent) / sum(frames for _, frames in sent) if sent else None

    def blocks(self) -> Iterator[np.ndarray]:
        """Yield n x D descriptors in the store's dtype, read-only views of the files, in order, n <= 64."""
        for block in self._blocks():
            yield block.descriptors

    def array(self) -> np.ndarray:
        """All descriptors, float32 N x D, in memory (4 N D bytes); rows of skipped pictures are zeros."""
        out = np.empty((len(self), self.dimension), np.float32)
        start = 0
        for block in self.blocks():
            out[start : start + len(block)] = block
            start += len(block)
        return out

    def rows(self, indices: Sequence[int] | np.ndarray) -> np.ndarray:
        """The descriptors of some rows, float32 n x D; only they are read into memory.

        Raises:
            IndexError: an index below 0 or beyond the last row.
        """
        wanted = np.asarray(indices, np.int64)
        if len(wanted) and (wanted.min() < 0 or wanted.max() >= len(self)):
            raise IndexError(f"expected rows from 0 to {len(self) - 1}, found {wanted.min()} to {wanted.max()}")
        out = np.empty((len(wanted), self.dimension), np.float32)
        for into, index in zip(out, wanted, strict=True):
            into[:] = self._views[index // self._manifest.block_rows][index % self._manifest.block_rows]
        return out

    def changed_pictures(self, root: str | Path) -> list[str]:
        """The pictures that no longer hold what was described, whatever their times say.

        Reads the file of every picture that this process has not read yet.
        """
        return [row.image for row in self._rows() if picture_changed(row, root, by_content=True)]

    @cached_property
    def _views(self) -> list[np.ndarray]:
        return list(self.blocks())

    def _rows(self) -> Iterator[Row]:
        for block in self._blocks():
            yield from block.rows

    def _blocks(self) -> Iterator[Block]:
        for number in range(self._manifest.n_blocks):
            yield read_segment(segment_path(self.folder, number), self._manifest.block_key(number))
