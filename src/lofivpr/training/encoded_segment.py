"""A file of encoded pictures: one line of JSON that lists them, then their bytes."""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lofivpr.errors import LofiError
from lofivpr.files import atomic_path


@dataclass(frozen=True, slots=True)
class Entry:
    """One picture of a segment. `n_bytes` 0: nothing is stored, it is made from its source.

    `key` names picture and quality, `width` and `height` are the decoded picture's, `check` is CRC-32.
    """

    key: str
    width: int
    height: int
    n_bytes: int
    check: int

    @classmethod
    def of(cls, key: str, size: tuple[int, int], data: bytes) -> Entry:
        """The entry of `data`, which decodes to a picture of `size` (width, height)."""
        return cls(key, *size, len(data), zlib.crc32(data))


@dataclass(frozen=True, slots=True)
class Stored:
    """Where the bytes of an entry lie."""

    path: Path
    start: int
    entry: Entry

    def read(self) -> bytes | None:
        """The bytes; None if the file has gone meanwhile or they are damaged."""
        try:
            with open(self.path, "rb") as file:
                data = os.pread(file.fileno(), self.entry.n_bytes, self.start)
        except OSError:
            return None
        return data if zlib.crc32(data) == self.entry.check else None


def write_segment(path: Path, maker: str, entries: Sequence[Entry], data: Sequence[bytes]) -> int:
    """Write a segment atomically; how many bytes it has.

    Raises:
        LofiError: the disk is full or the folder cannot be written.
    """
    rows = [[entry.key, entry.width, entry.height, entry.n_bytes, entry.check] for entry in entries]
    whole = json.dumps({"maker": maker, "entries": rows}).encode() + b"\n" + b"".join(data)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(whole)
        file.flush()
        os.fsync(file.fileno())  # a rename may reach the disk before the bytes do
    return len(whole)


def read_segment(path: Path, maker: str) -> list[Stored]:
    """What a segment holds; only its first line is read.

    Raises:
        LofiError: it is missing, damaged, cut short, or another maker's.
    """
    try:
        with open(path, "rb") as file:
            line = file.readline()
            size = os.fstat(file.fileno()).st_size
        header = json.loads(line)
        entries = [Entry(*row) for row in header["entries"]]
        found, start, stored = header["maker"], len(line), []
        for entry in entries:
            stored.append(Stored(path, start, entry))
            start += entry.n_bytes
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise LofiError(f"expected a segment of encoded pictures at {path}, found: {error}. Delete it.") from error
    if found != maker or size != start:
        raise LofiError(
            f"expected {path} to have {start} bytes made by {maker}, found {size} made by {found}. Delete it."
        )
    return stored
