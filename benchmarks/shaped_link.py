"""A thin link: a TCP proxy with a token bucket each way, delay, jitter and loss as TCP's users feel them."""

from __future__ import annotations

import asyncio
import random
import threading
from dataclasses import dataclass, field
from types import TracebackType

SEGMENT = 1448  # bytes of one packet on Ethernet
RETRANSMIT_S = 0.25  # that a lost segment, and all behind it, come later


@dataclass
class Way:
    """One direction, shared by all connections: what has passed, and until when it is busy."""

    bits_per_s: float
    n_bytes: int = 0
    busy_until: float = 0.0

    def leave(self, n_bytes: int, now: float) -> float:
        """When the last bit of a segment has left; a bucket of one segment lets an idle link begin at once."""
        self.n_bytes += n_bytes
        self.busy_until = max(self.busy_until, now) + 8 * n_bytes / self.bits_per_s
        return self.busy_until


@dataclass
class ShapedLink:
    """Listens at a free `port` of localhost and carries what comes to `target`, as slowly as it is told; a context.

    Attributes:
        bits_per_s: of either way.
        delay_s: one way; `jitter_s`: up to so much more, drawn for each segment (their order is kept, as TCP does).
        loss: share of the segments that are lost; each comes `RETRANSMIT_S` later, and so do those behind it.
        up, down: what has passed. `connections`: how many were carried.
    """

    target: int
    bits_per_s: float
    delay_s: float = 0.02
    jitter_s: float = 0.0
    loss: float = 0.0
    seed: int = 0
    port: int = 0
    connections: int = 0
    up: Way = field(init=False)
    down: Way = field(init=False)

    def __post_init__(self) -> None:
        self.up, self.down = Way(self.bits_per_s), Way(self.bits_per_s)
        self._rng = random.Random(self.seed)
        self._loop = asyncio.new_event_loop()
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = True

    def set_rate(self, bits_per_s: float) -> None:
        """Another rate from now on."""
        self.up.bits_per_s = self.down.bits_per_s = bits_per_s

    def cut(self, stay_down: bool = False) -> None:
        """Break every connection; with `stay_down` new ones break too, until `restore`."""
        self._open = not stay_down
        self._loop.call_soon_threadsafe(self._abort)

    def restore(self) -> None:
        """Carry new connections again."""
        self._open = True

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        self.connections += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
        self._writers |= {writer, far_writer}
        try:
            await asyncio.gather(self._pump(reader, far_writer, self.up), self._pump(far_reader, writer, self.down))
        except (OSError, asyncio.CancelledError):  # cut, or the end
            pass
        finally:
            self._writers -= {writer, far_writer}
            writer.close()
            far_writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Way) -> None:
        flying: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
        landing = self._loop.create_task(self._land(flying, writer))
        while data := await reader.read(SEGMENT):
            leaves = way.leave(len(data), self._loop.time())
            late = RETRANSMIT_S if self._rng.random() < self.loss else 0.0
            flying.put_nowait((leaves + self.delay_s + self.jitter_s * self._rng.random() + late, data))
            await asyncio.sleep(leaves - self._loop.time())  # the sender waits in its own socket
        flying.put_nowait((0.0, b""))
        await landing

    async def _land(self, flying: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter) -> None:
        """Segments in their order, none before its time; an empty one is the end."""
        while True:
            arrives, data = await flying.get()
            await asyncio.sleep(arrives - self._loop.time())
            if writer.is_closing():
                return
            if not data:
                writer.write_eof()
                return
            writer.write(data)

    def __enter__(self) -> ShapedLink:
        started = threading.Event()

        async def main() -> None:
            server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
            self.port = server.sockets[0].getsockname()[1]
            self._stop = asyncio.Event()
            started.set()
            async with server:
                await self._stop.wait()
            self._abort()
            others = asyncio.all_tasks() - {asyncio.current_task()}
            for task in others:
                task.cancel()
            await asyncio.gather(*others, return_exceptions=True)

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(main(),), daemon=True)
        self._thread.start()
        started.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)
        self._loop.close()
