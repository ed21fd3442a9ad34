"""A segment of a map: a folder that appears by a rename and never changes."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from lofivpr.descriptors import SkippedPicture
from lofivpr.errors import LofiError
from lofivpr.files import atomic_path
from lofivpr.maps.codes import CodeBlock, block_rows, write_block
from lofivpr.maps.manifest import Segment, StoredFile
from lofivpr.maps.rows import Rows
from lofivpr.places import Places

PLACES, POINTS = "places.arrow", "points.npy"


def segment_folder(folder: Path, name: str) -> Path:
    """Where a segment of the map in `folder` lies."""
    return folder / "segments" / name


def write_segment(
    folder: Path,
    name: str,
    places: Places,
    rows: Rows,
    code: Any,
    source: str,
    skipped: tuple[SkippedPicture, ...] = (),
) -> Segment:
    """Write a segment of the usable rows (`rows.ok`), of which `places` are the places, in order.

    Memory does not grow with the rows: one block of codes is held at a time.

    Raises:
        LofiError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    with atomic_path(segment_folder(folder, name)) as temporary:
        temporary.mkdir()
        write_places(temporary / PLACES, places.table)
        write_array(temporary / POINTS, places.points())
        counts = _write_blocks(temporary, rows, code)
        files = stored_files(temporary)
    return Segment(name=name, rows=len(places), source=source, files=files, blocks=counts, skipped=skipped)


def _write_blocks(folder: Path, rows: Rows, code: Any) -> tuple[int, ...]:
    counts = []
    for number, block in enumerate(_gathered(rows, block_rows(code))):
        write_block(folder / block_name(number), code, block)
        counts.append(len(block))
    return tuple(counts)


def _gathered(rows: Rows, size: int) -> Iterator[np.ndarray]:
    """Usable rows, float32, `size` at a time."""
    ok, start = rows.ok, 0
    held: list[np.ndarray] = []
    for block in rows.blocks():
        held.append(np.asarray(block[ok[start : start + len(block)]], np.float32))
        start += len(block)
        while sum(map(len, held)) >= size:
            joined = np.concatenate(held)
            yield joined[:size]
            held = [joined[size:]]
    if sum(map(len, held)):
        yield np.concatenate(held)


def block_name(number: int) -> str:
    """The file of a block of codes."""
    return f"block-{number:05d}.faiss"


def write_places(path: Path, table: pa.Table) -> None:
    """Write a table of places as an Arrow file of one batch, durably; the path must not be in use."""
    with open(path, "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
        writer.write_table(table.combine_chunks())
        writer.close()
        sync(file)


def write_array(path: Path, values: np.ndarray) -> None:
    """Write an array as .npy, durably; the path must not be in use."""
    with open(path, "wb") as file:
        np.save(file, values)
        sync(file)


def sync(file: Any) -> None:
    """Bring a file's bytes to the disk, before a rename or a manifest names it."""
    file.flush()
    os.fsync(file.fileno())


def stored_files(folder: Path) -> dict[str, StoredFile]:
    """Size and digest of every file in a folder."""
    return {path.name: stored_file(path) for path in sorted(folder.iterdir())}


def stored_file(path: Path) -> StoredFile:
    """Size and digest of a file, read to its end."""
    with open(path, "rb") as file:
        return StoredFile(size=path.stat().st_size, digest=hashlib.file_digest(file, "sha256").hexdigest()[:16])


class SegmentReader:
    """The files of a segment, mapped into memory when first used."""

    def __init__(self, folder: Path, segment: Segment) -> None:
        """Look whether the files are there, of the right size.

        Raises:
            LofiError: one is not.
        """
        self.segment, self._folder = segment, segment_folder(folder, segment.name)
        for name, file in segment.files.items():
            check_size(self._folder / name, file)

    def __len__(self) -> int:
        return self.segment.rows

    @cached_property
    def table(self) -> pa.Table:
        """The places' table, its columns views of the file."""
        return pa.ipc.open_file(pa.memory_map(str(self._folder / PLACES))).read_all()

    @cached_property
    def points(self) -> np.ndarray:
        """float64 N x 3, see `Places.points`; a view of the file."""
        return np.asarray(np.load(self._folder / POINTS, mmap_mode="r"))

    @cached_property
    def blocks(self) -> list[CodeBlock]:
        """The blocks of codes."""
        return [CodeBlock(self._folder / block_name(number)) for number in range(len(self.segment.blocks))]


def check_size(path: Path, file: StoredFile) -> None:
    """Refuse a file of a map that is not there or was cut.

    Raises:
        LofiError: what is wrong.
    """
    found = path.stat().st_size if path.is_file() else None
    if found != file.size:
        what = "none" if found is None else f"{found}"
        raise LofiError(
            f"expected {file.size} bytes in {path}, found {what}. The map was damaged or not copied whole: "
            "copy it again, or build it again."
        )
