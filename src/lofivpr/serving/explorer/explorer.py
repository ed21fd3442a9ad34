"""What the page sees: one picture at any quality, by the service's model and by the one that made the map."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.evaluation.heatmaps import Shown, first_kind, overlays
from lofivpr.evaluation.thumbs import thumbnail
from lofivpr.maps import Map
from lofivpr.media import open_image
from lofivpr.models import HEATMAP_KINDS, Describer, load_describer
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.serving.engine import Engine, Query
from lofivpr.serving.explorer.album import Album
from lofivpr.serving.explorer.preview import Arrived, judged, within_pixels
from lofivpr.serving.problems import Problem
from lofivpr.serving.seen import open_still
from lofivpr.serving.service import Service
from lofivpr.serving.wire import Where

PLACES = 5  # that are shown of each model
_MOST_ASKING = 32  # visitors; one is served at a time, so that pages never take more than a core from clients
_HEAT_WIDTH = 480
_ANYWHERE = Where(near=None, radius_m=None, heading=None)


@dataclass(frozen=True)
class Look:
    """One picture, sharp (uint8 H x W x 3) and as it arrived, and who is to look at it.

    `truth` is the one place that it was taken at, None where nobody knows; `models` see `Explorer.models`.
    """

    engine: Engine
    models: list[Describer]
    sharp: np.ndarray
    truth: Places | None
    arrived: Arrived


class Explorer:
    """Pictures of the map, previews, and the teacher, which is opened when the first visitor comes."""

    def __init__(self, service: Service, places: str | Path | None) -> None:
        """`places`: the data set of the map, whose pictures may be shown; None to show none.

        Raises:
            LofiError: it cannot be opened, or is not the map's.
        """
        self.service = service
        self.album = None if places is None else Album(Places.open(places), service.takeover.engine.map)
        self._teacher: tuple[Engine, Describer | None] | None = None
        self._one = asyncio.Semaphore(1)
        self._asking = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[Engine]:
        """Wait for one's turn; gives the state of the map that is to be asked. Raises Problem."""
        if self._asking >= _MOST_ASKING:
            raise Problem(503, f"expected at most {_MOST_ASKING} previews at a time, found more. Try again.", 2)
        self._asking += 1
        try:
            async with self._one:
                yield self.service.takeover.engine
        finally:
            self._asking -= 1

    async def models(self, engine: Engine) -> list[Describer]:
        """The service's model, and before it the one that made the map, where that is another and at hand."""
        if engine.describer is None:
            raise Problem(409, "expected a model to look at pictures with, found none. Start the service with --model.")
        if self._teacher is None or self._teacher[0] is not engine:
            self._teacher = engine, await self.service.decode(partial(_maker, engine))
        return [model for model in (self._teacher[1], engine.describer) if model is not None]

    async def look(self, engine: Engine, body: bytes, sample: int | None, quality: Quality) -> Look:
        """Open a picture, or a sample in its place, and send it through a channel. Raises LofiError."""
        models = await self.models(engine)
        if sample is None:
            pixels = self.service.settings.limits.pixels
            sharp, truth = await self.service.decode(lambda: within_pixels(open_still(body, pixels)[0])), None
        else:
            sharp, truth = await self.service.decode(partial(self._sample, engine.map, sample))
        arrived = await self.service.decode(partial(Arrived.of, sharp, quality))
        return Look(engine, models, sharp, truth, arrived)

    def _sample(self, town: Map, number: int) -> tuple[np.ndarray, Places | None]:
        samples = None if self.album is None else self.album.samples(town)
        if samples is None or not 0 <= number < len(samples):
            raise Problem(404, f"expected one of {0 if samples is None else len(samples)} samples, found {number}.")
        return within_pixels(open_image(samples.images[number], samples.root)), samples.select([number])

    async def answer(self, client: str, look: Look, model: Describer) -> dict[str, Any]:
        """What one of its models finds for what arrived. Raises LofiError."""
        image, seen, quality = look.arrived.image, look.arrived.seen, look.arrived.quality
        if model is look.engine.describer:
            query = Query(lambda: (image, seen), _ANYWHERE, PLACES, quality=quality)
        else:
            row = await self.service.decode(lambda: np.asarray(model.describe([image], [quality]), np.float32))
            query = Query(None, _ANYWHERE, PLACES, descriptor=row, model_digest=model.digest)
        answer, _ = await self.service.ask(client, query)
        if self.service.takeover.engine is not look.engine:
            raise Problem(503, "expected the map to stay as it was, found that a new one was taken over. Ask again.", 1)
        fix = judged(look.engine.map, answer.fix, look.truth)
        return {"name": model.name, "digest": model.digest, "fix": fix}


def heat(look: Look) -> dict[str, Any]:
    """Where in the picture descriptors come from: the first model on the sharp picture, and all on what arrived."""
    sharp, arrived, quality = look.sharp, look.arrived.image, str(look.arrived.quality)
    shown = [Shown(look.models[0], sharp, "raw"), *(Shown(model, arrived, quality) for model in look.models)]
    width = min(_HEAT_WIDTH, sharp.shape[1])
    size = width, max(1, round(sharp.shape[0] * width / sharp.shape[1]))
    drawn = first_kind(lambda kind: overlays(shown, kind, size))
    if drawn is None:
        return {"kind": None, "maps": []}
    maps = [
        {
            "digest": one.model.digest,
            "quality": one.quality,
            "uri": thumbnail(map_.image, width),
            "agreement": map_.agreement,
        }
        for one, map_ in zip(shown, drawn[1], strict=True)
    ]
    return {"kind": HEATMAP_KINDS[drawn[0]], "maps": maps}


def _maker(engine: Engine) -> Describer | None:
    """The model that made the map; None where it is the service's own, or not to be had."""
    assert engine.describer is not None
    if engine.describer.digest == engine.map.model_digest:
        return None
    try:
        maker = load_describer(engine.map.model_folder)
    except LofiError:
        return None
    return maker if maker.digest == engine.map.model_digest else None
