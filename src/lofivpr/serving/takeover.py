"""A new map or model is taken over while the service runs; connections stay open and see the new one's answers."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterator
from pathlib import Path

from lofivpr.errors import LofiError
from lofivpr.maps import local_map
from lofivpr.models import Describer
from lofivpr.serving.engine import Engine
from lofivpr.serving.logs import log
from lofivpr.serving.metrics import Metrics

WATCHED_MAP = ("manifest.json", "calibration.json")
WATCHED_MODEL = ("config.json", "model.onnx", "model.safetensors")
RETRY = 15  # looks after which what could not be opened is tried again unchanged: it may have been half copied
Stamp = tuple[tuple[str, int, int, int], ...]


class Takeover:
    """Holds the engine that is served, and replaces it when the files of map or model have changed on disk.

    The files are looked at every `watch_s` seconds (some `stat` calls). A map changes by a rename of its manifest,
    so a change is never seen half. What cannot be opened is told in the log, and the old one goes on.
    """

    def __init__(self, map_path: str | Path, model: Describer | str | Path | None, metrics: Metrics) -> None:
        """Open map and model. Raises LofiError."""
        self._map_path, self._model, self._metrics = local_map(map_path), model, metrics
        self._stamp = self.stamp()
        self._failed: tuple[Stamp, int] | None = None
        self.engine = Engine.open(self._map_path, model)
        self.generation = 0
        metrics.places.set(len(self.engine.map))

    def stamp(self) -> Stamp:
        """Name, time, size and number of every watched file that there is."""
        return tuple(_stamps(self._watched()))

    async def watch(self, seconds: float) -> None:
        """Look for changes until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            await self.look()

    async def look(self) -> bool:
        """Take over what has changed; returns whether anything was taken over."""
        stamp = self.stamp()
        if stamp == self._stamp or not self._worth_trying(stamp):
            return False
        try:
            engine = await asyncio.to_thread(Engine.open, self._map_path, self._model)
        except Exception as error:  # whatever is wrong with the new one, the old one is still good
            self._failed = (stamp, RETRY)
            self._metrics.takeovers.labels("refused").inc()
            known = isinstance(error, LofiError)
            log("takeover refused", logging.ERROR, None if known else error, reason=str(error))
            return False
        self.engine, self._stamp, self._failed = engine, stamp, None
        self.generation += 1
        self._metrics.takeovers.labels("done").inc()
        self._metrics.places.set(len(engine.map))
        log("takeover", places=len(engine.map), model=engine.query_model, generation=self.generation)
        return True

    def _worth_trying(self, stamp: Stamp) -> bool:
        if self._failed is None or self._failed[0] != stamp:
            return True
        self._failed = (stamp, self._failed[1] - 1)
        return self._failed[1] <= 0

    def _watched(self) -> Iterator[Path]:
        yield from (self._map_path / name for name in WATCHED_MAP)
        if isinstance(self._model, str | Path):
            yield from (Path(self._model) / name for name in WATCHED_MODEL)


def _stamps(paths: Iterator[Path]) -> Iterator[tuple[str, int, int, int]]:
    for path in paths:
        try:
            status = os.stat(path)
        except OSError:
            continue
        yield path.name, status.st_mtime_ns, status.st_size, status.st_ino
