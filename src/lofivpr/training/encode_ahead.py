"""Pictures -> encoded bytes, block by block, in processes that know no torch."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import cv2
import numpy as np
from PIL import Image

from lofivpr.errors import LofiError
from lofivpr.files import DiskFullError
from lofivpr.media import open_image
from lofivpr.quality import Quality
from lofivpr.quality.stream import footage_of
from lofivpr.training.encoded_segment import Entry, write_segment

SMALLER = 4  # a reduction is stored where it has less than a quarter of the source's pixels; else opening is as quick
PART_BYTES = 64 * 2**20  # after so many a block goes on in another segment: what is in memory is bounded
LOSSLESS: dict[str, Any] = {"format": "WEBP", "lossless": True, "quality": 0, "method": 0, "exact": True}


@dataclass(frozen=True)
class Block:
    """One order of work: pictures, and for each the qualities and the keys that their bytes are stored under.

    A picture of which all is stored has none. Of a stream: all pictures of its clip, or of the one sequence in
    `sequences`, and its one quality for those wanted.
    `path`: of the first segment; what is too large for one goes on in others beside it.
    """

    path: str
    maker: str
    root: str
    images: tuple[str, ...]
    qualities: tuple[tuple[str, ...], ...]
    keys: tuple[tuple[str, ...], ...]
    sequences: tuple[tuple[str, ...], ...] = ()

    @property
    def stream(self) -> Quality | None:
        """The quality at which the pictures are sent as one stream; None where each is sent by itself."""
        first = Quality.parse(next(text for texts in self.qualities for text in texts))
        return first if first.is_stream else None

    def segment(self, part: int) -> Path:
        """Where a part of the block lies."""
        path = Path(self.path)
        return path if part == 0 else path.with_stem(f"{path.stem}-{part}")


def encode_block(block: Block) -> int:
    """Encode a block and write its segments, which are one but for long streams; how many bytes they have.

    Raises:
        LofiError: a picture that cannot be read, a quality that does not fit it, or a full disk.
    """
    entries: list[Entry] = []
    data: list[bytes] = []
    written = part = 0
    for key, encoded, size in _stills(block) if block.stream is None else _stream(block, block.stream):
        entries.append(Entry.of(key, size, encoded))
        data.append(encoded)
        if sum(map(len, data)) > PART_BYTES:
            written += write_segment(block.segment(part), block.maker, entries, data)
            entries, data, part = [], [], part + 1
    if entries:
        written += write_segment(block.segment(part), block.maker, entries, data)
    return written


def _stills(block: Block) -> Iterator[tuple[str, bytes, tuple[int, int]]]:
    """Key, bytes and size (width, height) of each picture at each of its qualities."""
    for image, qualities, keys in zip(block.images, block.qualities, block.keys, strict=True):
        if not qualities:
            continue
        source = open_image(image, root=block.root)
        for text, key in zip(qualities, keys, strict=True):
            yield key, *encoded_bytes(Quality.parse(text), source)


def _stream(block: Block, quality: Quality) -> Iterator[tuple[str, bytes, tuple[int, int]]]:
    """The same of the wanted pictures of a stream, lossless: a frame in the middle of one cannot be decoded alone."""
    [footage] = footage_of(block.images, block.sequences)
    for arrived in footage.send(quality, block.root):
        if block.keys[arrived.row] and arrived.image is not None:
            [key] = block.keys[arrived.row]
            yield key, _lossless(arrived.image), (arrived.image.shape[1], arrived.image.shape[0])


def encoded_bytes(quality: Quality, source: np.ndarray) -> tuple[bytes, tuple[int, int]]:
    """What is stored of a picture at `quality`, and the size (width, height) of the picture it decodes to.

    Without a codec it is lossless WebP, or nothing where opening the source again is as quick.
    """
    encoded = quality.encode(source)
    if encoded.data is not None:
        return encoded.data, encoded.size
    if SMALLER * encoded.size[0] * encoded.size[1] > source.shape[0] * source.shape[1]:
        return b"", encoded.size
    return _lossless(encoded.image), encoded.size


def _lossless(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, **LOSSLESS)
    return out.getvalue()


def encode_blocks(blocks: Sequence[Block], processes: int) -> Iterator[tuple[Block, int]]:
    """Each block with the bytes of its segment, in the order in which they are done.

    At most one more block than there are processes is under way when the generator is closed.

    Raises:
        LofiError: what a process met, or that it ended.
    """
    with _workers(processes) as free:

        def work(block: Block) -> int:
            worker = free.get()
            try:
                return _ask(worker, block)
            finally:
                free.put(worker)

        with ThreadPoolExecutor(processes) as pool:
            waiting: dict[Future[int], Block] = {}
            ahead = iter(blocks)
            while True:
                while len(waiting) < processes and (block := next(ahead, None)) is not None:
                    waiting[pool.submit(work, block)] = block
                if not waiting:
                    return
                done, _ = wait(waiting, return_when=FIRST_COMPLETED)
                for future in done:
                    yield waiting.pop(future), future.result()


@contextmanager
def _workers(count: int) -> Iterator[SimpleQueue[subprocess.Popen[str]]]:
    """Python processes that run this module. They do not run the caller's script again, as spawned ones would."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, "-m", __name__]
    pipe = subprocess.PIPE
    workers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment) for _ in range(count)]
    free: SimpleQueue[subprocess.Popen[str]] = SimpleQueue()
    try:
        for worker in workers:
            free.put(worker)
        yield free
    except BaseException:
        for worker in workers:
            worker.kill()
        raise
    finally:
        for worker in workers:
            worker.communicate()


def _ask(worker: subprocess.Popen[str], block: Block) -> int:
    assert worker.stdin is not None and worker.stdout is not None
    try:
        worker.stdin.write(json.dumps(asdict(block)) + "\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
    except OSError:
        answer = ""
    if not answer:
        raise LofiError(
            f"expected an encoding process to answer, found it ended (code {worker.wait()}). "
            "Most often memory ran out: free some and run again; what was encoded is kept."
        )
    found = json.loads(answer)
    if "error" in found:
        raise (DiskFullError if found["full"] else LofiError)(found["error"])
    return int(found["bytes"])


def _serve() -> None:
    """Blocks as lines of JSON on stdin, answers on stdout, until stdin ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # an interrupt is the caller's: it ends this by closing stdin
    cv2.setNumThreads(1)
    answers, sys.stdout = sys.stdout, sys.stderr  # what a library prints is no answer
    for line in sys.stdin:
        values = json.loads(line)
        lists = {name: tuple(map(tuple, values[name])) for name in ("qualities", "keys", "sequences")}
        try:
            answer: dict[str, object] = {"bytes": encode_block(Block(**values | lists))}
        except LofiError as error:
            answer = {"error": str(error), "full": isinstance(error, DiskFullError)}
        print(json.dumps(answer), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
