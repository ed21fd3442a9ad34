"""How much of a disk a cache of encoded pictures may take."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from pathlib import Path

from lofivpr.training.encode_ahead import Block


class Room:
    """The bytes that a cache may still take, and the segments that may go for them."""

    def __init__(self, segments: Sequence[Path], kept: set[Path], max_bytes: int) -> None:
        sizes = {path: path.stat() for path in segments}
        self.free = max_bytes - sum(status.st_size for status in sizes.values())
        spare = sorted((status.st_mtime_ns, status.st_size, path) for path, status in sizes.items() if path not in kept)
        self.spare = [(path, size) for _, size, path in spare]

    def take(self, block: Block, size: int, world: int) -> bool:
        """Make room for the segments of a new block, removed where there is none; `world` fill it at once."""
        self.free -= size * world
        while self.free < 0 and self.spare:
            old, freed = self.spare.pop(0)
            old.unlink(missing_ok=True)
            self.free += freed
        if self.free < 0:
            for part in count():
                if not (path := block.segment(part)).exists():
                    break
                path.unlink()
        return self.free >= 0
