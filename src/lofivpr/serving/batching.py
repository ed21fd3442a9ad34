"""Micro-batches across clients: the newest frame of each in turn."""

from __future__ import annotations

import asyncio
import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from lofivpr.errors import LofiError

Asked = TypeVar("Asked")
Done = TypeVar("Done")


class BusyError(LofiError):
    """More waits than may wait."""


@dataclass
class Job(Generic[Asked, Done]):
    """One frame on its way: what was asked, when it came, and the future of what comes out."""

    asked: Asked
    outcome: asyncio.Future[Done]
    came: float = field(default_factory=time.perf_counter)
    began: float = 0.0


class Lane(Generic[Asked, Done]):
    """What one client has waiting. Of a stream (`newest`) only the newest frame waits; a frame in work is not lost.

    Not more than one frame of a lane is in work, and the next one is begun when `release` says that the answer to
    the last one is on its way. So a client that does not read holds up nobody but itself.
    """

    def __init__(self, newest: bool, room: int = 1) -> None:
        self.newest, self.room = newest, room
        self.waiting: deque[Job[Asked, Done]] = deque()
        self.busy = False


class Batcher(Generic[Asked, Done]):
    """Takes one waiting job of each lane in turn, up to `most` at once, and has a thread work on them.

    `work` is given what was asked of each job and returns as many results; a result that is an exception becomes
    that job's. Nothing runs while nothing waits.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Asked]], Sequence[Done | Exception]],
        most: int = 8,
        room: int = 256,
        seconds: float = math.inf,
        threads: int = 1,
    ) -> None:
        """How much at once.

        Args:
            work: see above.
            most: jobs in a batch.
            room: lanes that may wait at the same time.
            seconds: that a batch may take, going by the last ones: nobody is helped by waiting for the answers of
                others where the model describes one picture after the other, as it does on a CPU.
            threads: batches in work at the same time.
        """
        if min(most, room) < 1:
            raise LofiError(f"expected at least one job in a batch and room for one lane, found {most} and {room}.")
        self._work, self._most, self._room, self._seconds = work, most, room, seconds
        self._each = 0.0  # seconds that a job of the last batches took
        self._turns: OrderedDict[Lane[Asked, Done], None] = OrderedDict()  # lanes with something to begin
        self._wake = asyncio.Event()
        self._n_threads = threads
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="describe")
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def lanes_waiting(self) -> int:
        """Lanes whose next frame could be begun now."""
        return len(self._turns)

    def start(self) -> None:
        """Begin to work; in the running event loop."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run(), name=f"batcher {n}") for n in range(self._n_threads)]

    async def stop(self) -> None:
        """Finish what is in work, and cancel what waits."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for lane in list(self._turns):
            self.drop(lane)
        self._threads.shutdown(wait=True, cancel_futures=True)

    def offer(self, lane: Lane[Asked, Done], asked: Asked) -> tuple[Job[Asked, Done], list[Job[Asked, Done]]]:
        """Have `asked` wait in a lane; returns its job, and those that it replaced (cancelled).

        Raises:
            BusyError: the lane, or the whole room, is full.
        """
        skipped = list(lane.waiting) if lane.newest else []
        if not lane.newest and len(lane.waiting) >= lane.room:
            raise BusyError(f"expected at most {lane.room} requests waiting of one client, found more. Send fewer.")
        if lane not in self._turns and not lane.busy and len(self._turns) >= self._room:
            raise BusyError(f"expected at most {self._room} clients waiting, found more. Try again in a second.")
        if lane.newest:
            lane.waiting.clear()
        for old in skipped:
            old.outcome.cancel()
        job: Job[Asked, Done] = Job(asked, asyncio.get_running_loop().create_future())
        lane.waiting.append(job)
        self._line_up(lane)
        return job, skipped

    def release(self, lane: Lane[Asked, Done]) -> None:
        """The answer is on its way: the lane's next frame may be begun."""
        lane.busy = False
        self._line_up(lane)

    def drop(self, lane: Lane[Asked, Done]) -> None:
        """The client is gone: nothing of it waits any more."""
        self._turns.pop(lane, None)
        while lane.waiting:
            lane.waiting.popleft().outcome.cancel()

    def _line_up(self, lane: Lane[Asked, Done]) -> None:
        if lane.waiting and not lane.busy and lane not in self._turns:
            self._turns[lane] = None
            self._wake.set()

    def _take(self) -> list[Job[Asked, Done]]:
        """The next job of each lane whose turn it is; a lane goes to the end of the line when it has been served."""
        batch: list[Job[Asked, Done]] = []
        most = self._most if self._each == 0 else max(1, min(self._most, int(min(1e9, self._seconds / self._each))))
        while self._turns and len(batch) < most:
            lane, _ = self._turns.popitem(last=False)
            job = lane.waiting.popleft()
            if job.outcome.done():  # its client is gone
                self._line_up(lane)
                continue
            lane.busy = True
            batch.append(job)
        return batch

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            batch = self._take()
            if not batch:
                self._wake.clear()
                continue
            began = time.perf_counter()
            for job in batch:
                job.began = began
            try:
                results = await loop.run_in_executor(self._threads, self._results, [job.asked for job in batch])
            except asyncio.CancelledError:
                for job in batch:
                    job.outcome.cancel()
                raise
            each = (time.perf_counter() - began) / len(batch)
            self._each = (self._each + each) / 2 if self._each else each
            for job, result in zip(batch, results, strict=True):
                _settle(job.outcome, result)

    def _results(self, asked: list[Asked]) -> Sequence[Done | Exception]:
        """In the thread: one result a job, whatever happens; a fault of the whole batch is each job's fault."""
        try:
            results = self._work(asked)
            if len(results) != len(asked):
                raise RuntimeError(f"expected {len(asked)} results, found {len(results)}")
            return results
        except Exception as error:  # a fault in one batch must not end what serves everyone
            return [error] * len(asked)


def _settle(outcome: asyncio.Future[Any], result: Any) -> None:
    if outcome.done():  # cancelled meanwhile: its client is gone
        return
    if isinstance(result, Exception):
        outcome.set_exception(result)
    else:
        outcome.set_result(result)
