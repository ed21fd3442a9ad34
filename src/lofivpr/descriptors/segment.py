"""A block of rows on disk: one immutable Arrow IPC file, which any Arrow tool can read."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from lofivpr.errors import LofiError
from lofivpr.files import atomic_path, digest

KEY = b"lofivpr.key"
ROW = ("image", "n_bytes", "picture", "size", "mtime_ns", "skipped")
SENT = ("sent_bytes", "sent_frames")  # columns that only a stream has
AGAIN = "Build the store again: only what is missing or damaged is described anew."


@dataclass(frozen=True)
class Stamp:
    """Size in bytes and modification time in nanoseconds: if neither changed, a file is not read again."""

    size: int
    mtime_ns: int


@dataclass(frozen=True)
class Row:
    """What is known of one picture beside its descriptor.

    `n_bytes`: bytes of the encoded picture, -1 where the quality has no codec. `picture`: digest of its
    contents, None if it could not be read. `stamp`: None if its file could not be looked at (a URL).
    `skipped`: why the picture has no descriptor, None if it has one. `sent_bytes`, `sent_frames`: what its stream
    sent since the picture before it, this one included; -1 where pictures are sent by themselves.
    """

    image: str
    n_bytes: int = -1
    picture: str | None = None
    stamp: Stamp | None = None
    skipped: str | None = None
    sent_bytes: int = -1
    sent_frames: int = -1


@dataclass(frozen=True, eq=False)
class Block:
    """Consecutive rows of a store. `descriptors`: n x D, float32 or float16, zeros where skipped."""

    rows: tuple[Row, ...]
    descriptors: np.ndarray

    def __post_init__(self) -> None:
        if self.descriptors.ndim != 2 or len(self.descriptors) != len(self.rows):
            raise ValueError(f"expected {len(self.rows)} x D descriptors, found {self.descriptors.shape}")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def pictures_digest(self) -> str:
        """Digest of the contents of the block's pictures."""
        return digest(*(row.picture or "" for row in self.rows))


def segment_path(folder: Path, block: int) -> Path:
    """Where block number `block` of a store lies."""
    return folder / "segments" / f"{block:08d}.arrow"


def write_segment(path: Path, block: Block, key: str) -> None:
    """Write a block atomically and durably.

    Raises:
        LofiError: the disk is full or the folder cannot be written; nothing is left behind.
    """
    sink = pa.BufferOutputStream()
    table = _to_table(block, key)
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        file.write(sink.getvalue())
        file.flush()
        os.fsync(file.fileno())  # a rename may reach the disk before the bytes do


def read_segment(path: Path, key: str) -> Block:
    """Read a block; its descriptors are a read-only view of the file, not a copy.

    Raises:
        LofiError: the file is missing, damaged, or belongs to another store.
    """
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
        found = (table.schema.metadata or {}).get(KEY, b"").decode()
        block = _from_table(table)
    except (OSError, pa.ArrowException, KeyError, ValueError) as error:
        raise LofiError(
            f"expected a segment of a descriptor store at {path}, found: {error or 'no Arrow file'}. {AGAIN}"
        ) from error
    if found != key:
        raise LofiError(f"expected {path} to carry its store's key {key}, found another store's {found}. {AGAIN}")
    return block


def _to_table(block: Block, key: str) -> pa.Table:
    rows, dimension = block.rows, block.descriptors.shape[1]
    flat = pa.array(np.ascontiguousarray(block.descriptors).reshape(-1))
    columns = {
        "image": pa.array([row.image for row in rows], pa.string()),
        "descriptor": pa.FixedSizeListArray.from_arrays(flat, dimension),
        "n_bytes": pa.array([None if row.n_bytes < 0 else row.n_bytes for row in rows], pa.int64()),
        "picture": pa.array([row.picture for row in rows], pa.string()),
        "size": pa.array([row.stamp and row.stamp.size for row in rows], pa.int64()),
        "mtime_ns": pa.array([row.stamp and row.stamp.mtime_ns for row in rows], pa.int64()),
        "skipped": pa.array([row.skipped for row in rows], pa.string()),
    }
    if any(row.sent_frames >= 0 for row in rows):
        columns |= {name: pa.array([getattr(row, name) for row in rows], pa.int64()) for name in SENT}
    return pa.table(columns).replace_schema_metadata({KEY: key.encode()})


def _from_table(table: pa.Table) -> Block:
    descriptor = table.column("descriptor").combine_chunks()
    flat = descriptor.flatten().to_numpy(zero_copy_only=True)
    known = set(table.column_names)
    rows = []
    for cells in table.select([name for name in (*ROW, *SENT) if name in known]).to_pylist():
        size, mtime_ns = cells.pop("size"), cells.pop("mtime_ns")
        n_bytes = -1 if cells["n_bytes"] is None else cells["n_bytes"]
        rows.append(Row(**(cells | {"n_bytes": n_bytes, "stamp": None if size is None else Stamp(size, mtime_ns)})))
    return Block(tuple(rows), flat.reshape(len(rows), descriptor.type.list_size))
