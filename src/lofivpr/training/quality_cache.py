"""Training pictures as their channels leave them, encoded ahead into a bounded cache on disk.

The cache is a folder of immutable segments, each a block of pictures at their qualities, and a manifest that says
what made them. A picture is found by the digests of its contents and of its quality, so a changed picture or
quality is never taken for another, and runs with other seeds, ladders or pictures share what they have in common.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from functools import cached_property, lru_cache, partial
from pathlib import Path

import av
import cv2
import numpy as np
import PIL
from rich.progress import Progress

from lofivpr.cores import usable_cores
from lofivpr.errors import LofiError
from lofivpr.files import DiskFullError, digest, write_json
from lofivpr.media import image_digest
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.quality.stills import decode_file
from lofivpr.training.encode_ahead import Block, encode_block, encode_blocks
from lofivpr.training.encoded_segment import Stored, read_segment
from lofivpr.training.room import Room
from lofivpr.training.streams import Streams

CODE_VERSION = 1  # raise it when what is stored changes in a way that neither digest sees
MANIFEST = "manifest.json"
MAX_BYTES = 16 * 2**30
BLOCK_PICTURES = 32
FEW = 256  # so few encodings are done here, before processes would have started


class QualityCache:
    """Pictures of `places` at their qualities, from stored bytes where there are any.

    Args:
        places: the training pictures.
        folder: where the cache lies; shared with other runs.
    """

    def __init__(self, places: Places, folder: Path = Path()) -> None:
        self.places, self.folder = places, folder
        self.maker = maker()
        self._digests: list[str] = []
        self._stored: dict[str, Stored] = {}

    @classmethod
    def build(
        cls,
        places: Places,
        wanted: Iterable[tuple[int, Sequence[Quality]]],
        folder: Path,
        max_bytes: int = MAX_BYTES,
        share: tuple[int, int] = (0, 1),
        processes: int | None = None,
    ) -> QualityCache:
        """Encode what is wanted and not yet there.

        The folder never holds more than `max_bytes`. Where there is no room left, segments of which this run
        wants nothing go, oldest first; what then still finds no room is encoded in each epoch anew. Where the disk
        itself is full, the cache is dropped with a warning, and everything is.

        Args:
            wanted: rows of `places` and the qualities that they will be seen at.
            share: (rank, world): of all missing blocks, those of process `rank` out of `world`. Call `refresh`
                when all have finished.
            processes: how many encode at once; default: one a core.

        Raises:
            LofiError: a picture that cannot be read, a quality that does not fit it, a folder that cannot be written.
        """
        cache = cls(places, folder)
        orders = {row: stored for row, qualities in wanted if (stored := _storable(qualities))}
        if not orders:
            return cache
        cache._digest_pictures()
        try:
            cache._claim()
            cache.refresh()
            cache._encode(orders, max_bytes, share, processes or usable_cores())
        except DiskFullError as full:
            warnings.warn(f"training pictures are encoded in every epoch anew, more slowly: {full}", stacklevel=2)
            cache._drop()  # the run itself needs room, too
        cache.refresh()
        return cache

    def picture(self, row: int, quality: Quality) -> np.ndarray:
        """Picture `row` as the receiver of `quality` sees it: uint8 H x W x 3, bit for bit what
        `quality.encode(places.open_image(row)).image` is, or what the stream brings that it is sent in."""
        stored = self._stored.get(self.key(row, quality)) if self._stored else None
        data = stored.read() if stored is not None and stored.entry.n_bytes else None
        if stored is None or data is None:
            if quality.is_stream:
                return self._streams.picture(row, quality)
            return quality.encode(self.places.open_image(row)).image
        if quality.codec is None or quality.is_stream:
            return decode_file(data, "webp")
        return quality.decode(data, (stored.entry.width, stored.entry.height))

    def key(self, row: int, quality: Quality) -> str:
        """What the bytes of picture `row` at `quality` are stored under."""
        picture = self._streams.key(row, self._digests) if quality.is_stream else self._digests[row]
        return digest(picture, _quality_digest(quality))

    @cached_property
    def _streams(self) -> Streams:
        return Streams(self.places)

    def refresh(self) -> None:
        """Look at the segments again, and remove damaged ones."""
        self._stored = {}
        if not self._digests:  # nothing of it is wanted: what other runs left here stays as it is
            return
        for path in self._segments():
            try:
                found = read_segment(path, self.maker)
            except LofiError:
                path.unlink(missing_ok=True)
                continue
            self._stored.update((stored.entry.key, stored) for stored in found)

    def _digest_pictures(self) -> None:
        with ThreadPoolExecutor(usable_cores()) as pool:
            self._digests = list(pool.map(lambda image: image_digest(image, self.places.root), self.places.images))

    def _segments(self) -> list[Path]:
        return sorted((self.folder / "segments").glob("*.bytes"))

    def _claim(self) -> None:
        """Write the manifest. What other versions of the codecs made is removed: it can be made anew."""
        with suppress(OSError, ValueError):
            if json.loads((self.folder / MANIFEST).read_text())["maker"] == self.maker:
                return
        self._drop()
        write_json(self.folder / MANIFEST, {"maker": self.maker, "made by": _versions()})

    def _drop(self) -> None:
        for path in self._segments():
            path.unlink(missing_ok=True)

    def _encode(
        self, orders: Mapping[int, Sequence[Quality]], max_bytes: int, share: tuple[int, int], processes: int
    ) -> None:
        rank, world = share
        # Cut alike in every process, whatever the others have written meanwhile.
        parts = [*self._stills(orders), *self._sent(orders)][rank::world]
        blocks = [block for part in parts if (block := part()) is not None]
        if not blocks:
            return
        kept = {self.key(row, quality) for row, qualities in orders.items() for quality in qualities}
        room = Room(self._segments(), {stored.path for key, stored in self._stored.items() if key in kept}, max_bytes)
        number = sum(len(keys) for block in blocks for keys in block.keys)
        done = _encoded(blocks, number, processes)
        with closing(done), Progress(transient=True, disable=rank > 0 or number < FEW) as bar:
            task = bar.add_task("encode training pictures", total=len(blocks))
            for block, size in done:
                bar.advance(task)
                if not room.take(block, size, world):
                    return

    def _stills(self, orders: Mapping[int, Sequence[Quality]]) -> Iterator[Callable[[], Block | None]]:
        """Orders of work for pictures that are sent by themselves, each told when it is asked for."""
        alone = {row: found for row, asked in orders.items() if (found := [q for q in asked if not q.is_stream])}
        rows = list(alone)
        for start in range(0, len(rows), BLOCK_PICTURES):
            part = {row: alone[row] for row in rows[start : start + BLOCK_PICTURES]}
            yield partial(self._block, part)

    def _sent(self, orders: Mapping[int, Sequence[Quality]]) -> Iterator[Callable[[], Block | None]]:
        """Orders of work for streams, each a clip or a sequence at one quality."""
        streamed = {row: found for row, asked in orders.items() if (found := [q for q in asked if q.is_stream])}
        for number, quality, wanted in self._streams.wanted(streamed) if streamed else ():
            part = {row: [quality] if row in wanted else [] for row in self._streams.footage[number].rows}
            yield partial(self._block, part, self._streams.sequences(number))

    def _block(
        self, orders: Mapping[int, Sequence[Quality]], sequences: tuple[tuple[str, ...], ...] = ()
    ) -> Block | None:
        """These pictures, and what of them is not stored yet; None if nothing."""
        missing = {
            row: [quality for quality in asked if self.key(row, quality) not in self._stored]
            for row, asked in orders.items()
        }
        if not any(missing.values()):
            return None
        keys = tuple(tuple(self.key(row, quality) for quality in qualities) for row, qualities in missing.items())
        name = digest(*(key for keys_of_one in keys for key in keys_of_one))
        return Block(
            path=str(self.folder / "segments" / f"{name}.bytes"),
            maker=self.maker,
            root=str(self.places.root),
            images=tuple(self.places.images[row] for row in missing),
            qualities=tuple(tuple(map(str, qualities)) for qualities in missing.values()),
            keys=keys,
            sequences=sequences,
        )


def _encoded(blocks: Sequence[Block], number: int, processes: int) -> Generator[tuple[Block, int], None, None]:
    if number < FEW:
        yield from ((block, encode_block(block)) for block in blocks)
    else:
        yield from encode_blocks(blocks, min(processes, len(blocks)))


def _storable(qualities: Iterable[Quality]) -> list[Quality]:
    return [quality for quality in dict.fromkeys(qualities) if not quality.is_raw]


@lru_cache(maxsize=65536)
def _quality_digest(quality: Quality) -> str:
    return quality.digest


def _versions() -> dict[str, str]:
    codecs = {name: ".".join(map(str, version)) for name, version in av.library_versions.items()}
    return {
        "code": str(CODE_VERSION),
        "av": av.__version__,
        "pillow": PIL.__version__,
        "opencv": cv2.__version__,
    } | codecs


def maker() -> str:
    """Digest of what decides the bytes beside picture and quality: this code and the codecs' versions."""
    return digest(json.dumps(_versions(), sort_keys=True))
