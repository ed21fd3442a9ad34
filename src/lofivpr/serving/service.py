"""What all connections of one application share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from lofivpr.models import Describer
from lofivpr.serving.batching import Batcher, BusyError, Job, Lane
from lofivpr.serving.buckets import Buckets
from lofivpr.serving.engine import Answer, Query
from lofivpr.serving.logs import log
from lofivpr.serving.metrics import Metrics
from lofivpr.serving.settings import Settings
from lofivpr.serving.takeover import Takeover

T = TypeVar("T")
DECODERS = 2  # threads; decoding leaves Python's lock, and is quick beside describing
BATCHES = 2  # in work at once: while answers of one are searched for, the cores describe the other


class Service:
    """Engine, batcher, decoding threads, limits and metrics; started and stopped with the application."""

    def __init__(self, map_path: str | Path, model: Describer | str | Path | None, settings: Settings) -> None:
        """Open map and model. Raises LofiError."""
        self.settings, self.metrics = settings, Metrics()
        self.takeover = Takeover(map_path, model, self.metrics)
        limits = settings.limits
        self.bytes = Buckets(limits.bytes_per_s, 4 * limits.bytes_per_s)
        self.streams: dict[str, int] = {}
        self._stills: dict[str, Lane[Query, Answer]] = {}
        self._watch: asyncio.Task[None] | None = None

    @property
    def is_ready(self) -> bool:
        """Is it started, and not full?"""
        return self._watch is not None and self.batcher.lanes_waiting < self.settings.limits.waiting

    async def start(self) -> None:
        """In the running event loop."""
        limits = self.settings.limits
        self.decoders = ThreadPoolExecutor(DECODERS, thread_name_prefix="decode")
        self.batcher: Batcher[Query, Answer] = Batcher(
            lambda queries: self.takeover.engine.work(queries), limits.batch, limits.waiting, limits.batch_s, BATCHES
        )
        self.batcher.start()
        self.metrics.waiting.set_function(lambda: self.batcher.lanes_waiting)
        self._watch = asyncio.create_task(self.takeover.watch(self.settings.watch_s), name="takeover")
        engine = self.takeover.engine
        log("started", places=len(engine.map), model=engine.query_model, describes=engine.describer is not None)

    async def stop(self) -> None:
        """Finish what is in work."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)
            self._watch = None
        await self.batcher.stop()
        self.decoders.shutdown(wait=True, cancel_futures=True)
        log("stopped")

    async def decode(self, job: Callable[[], T]) -> T:
        """Run a job in a decoding thread."""
        return await asyncio.get_running_loop().run_in_executor(self.decoders, job)

    async def ask(self, client: str, query: Query) -> tuple[Answer, float]:
        """The answer to a still query and the seconds that it waited. A client's own queries wait in one line.

        Raises:
            BusyError: too many wait.
            LofiError: what the engine refuses.
        """
        lane = self._stills.setdefault(client, Lane(newest=False, room=self.settings.limits.waiting_each))
        job: Job[Query, Answer] | None = None
        try:
            job, _ = self.batcher.offer(lane, query)
            answer = await job.outcome
            self.count("still", answer, job)
            return answer, job.began - job.came
        except asyncio.CancelledError:
            if job is not None and job.outcome.cancelled() and not _is_cancelling():
                raise BusyError("expected to be served, found the service stopping. Try again in a second.") from None
            raise
        finally:
            if job is not None and job.began:
                self.batcher.release(lane)
            if not lane.waiting and not lane.busy:
                self._stills.pop(client, None)

    def count(self, source: str, answer: Answer, job: Job[Query, Answer]) -> None:
        """Enter an answer into the metrics."""
        metrics = self.metrics
        metrics.answers.labels(source, str(answer.fix.answered).lower()).inc()
        metrics.received.labels(source).inc(answer.seen.n_bytes)
        metrics.batch.observe(answer.batch)
        stages = {"decode": answer.decode_s, "wait": job.began - job.came}
        for stage, seconds in (stages | {"describe": answer.describe_s, "search": answer.search_s}).items():
            metrics.stages.labels(stage).observe(seconds)


def _is_cancelling() -> bool:
    """Is it the task itself that is cancelled, and not only what it waits for?"""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
