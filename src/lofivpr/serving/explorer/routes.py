"""Routes of the Explorer: /v1/explorer and below."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Request
from fastapi import Path as InPath
from fastapi import Query as Parameter
from starlette.responses import Response

from lofivpr.maps import Map
from lofivpr.quality import Quality
from lofivpr.quality.grammar import CODECS
from lofivpr.serving.explorer import page
from lofivpr.serving.explorer.album import Album, radius_of
from lofivpr.serving.explorer.explorer import Explorer, Look, heat
from lofivpr.serving.explorer.preview import spots
from lofivpr.serving.locate import PROBLEMS as ALL_PROBLEMS
from lofivpr.serving.locate import receive
from lofivpr.serving.problems import Problem

MOST_SPOTS = 3000  # of the map's places that a page draws
LARGEST = 2**31 - 1

router = APIRouter(prefix="/v1/explorer", tags=["explorer"])
routers = (page.router, router)
QualityText = Annotated[str, Parameter(max_length=60, description="A channel.", examples=["240p/jpeg:10"])]
Sample = Annotated[int | None, Parameter(ge=0, le=LARGEST, description="A sample of the map, in place of a body.")]
Width = Annotated[int, Parameter(ge=16, le=1200, description="Pixels; a smaller picture stays as it is.")]
Number = Annotated[int, InPath(ge=0, le=LARGEST)]
PROBLEMS = ALL_PROBLEMS | {404: {**ALL_PROBLEMS[422], "description": "No such picture, or none that may be shown."}}
_BODY = {"requestBody": {"content": {"image/*": {"schema": {"type": "string", "format": "binary"}}}}}
_POST: dict[str, Any] = {"responses": PROBLEMS, "openapi_extra": _BODY}
_JPEG: dict[int | str, Any] = {200: {"content": {"image/jpeg": {}}, "description": "The picture."}}


@router.get("", summary="What the page can show of this service", responses=PROBLEMS)
async def about_explorer(request: Request) -> dict[str, Any]:
    """Models, samples, codecs, and where the places are."""
    explorer = _explorer(request)
    async with explorer.turn() as engine:
        models = [] if engine.describer is None else await explorer.models(engine)
        samples = (
            0
            if explorer.album is None
            else len(await explorer.service.decode(partial(explorer.album.samples, engine.map)))
        )
        rows = np.unique(np.linspace(0, len(engine.map) - 1, MOST_SPOTS).astype(np.int64))
        places = engine.map.places.select(rows)
        return {
            "models": [{"name": model.name, "digest": model.digest} for model in models],
            "map_model": {"name": engine.map.model, "digest": engine.map.model_digest},
            "pictures": explorer.album is not None,
            "samples": samples,
            "within_m": radius_of(engine.map),
            "metres": places.frame is None,
            "places": [one for one in spots(places) if one is not None],
            "codecs": _codecs(),
        }


def _codecs() -> list[dict[str, Any]]:
    """Each with the one setting that the page offers; a bit rate is a clip's."""
    found = []
    for codec in CODECS.values():
        mode, (low, high) = next(iter(codec.limits.items()), (None, (None, None)))
        found.append({"name": codec.name, "mode": mode, "low": low, "high": high, "video": codec.is_video})
    return found


@router.post("/preview", summary="What a channel leaves of a picture, and what each model finds", **_POST)
async def preview(request: Request, quality: QualityText, sample: Sample = None) -> dict[str, Any]:
    """Send the bytes of a picture, or name a sample; larger ones are shrunk to a million pixels first."""
    explorer, client = _explorer(request), request.scope["state"]["client"]
    async with _look(request, quality, sample) as look:
        answers = [await explorer.answer(client, look, model) for model in look.models]
        picture = await explorer.service.decode(look.arrived.to_dict)
    return {"picture": picture, "truth": None if look.truth is None else spots(look.truth)[0], "models": answers}


@router.post("/heatmaps", summary="Where in a picture the descriptors come from", **_POST)
async def heatmaps(request: Request, quality: QualityText, sample: Sample = None) -> dict[str, Any]:
    """As for a preview."""
    async with _look(request, quality, sample) as look:
        return await _explorer(request).service.decode(partial(heat, look))


@asynccontextmanager
async def _look(request: Request, quality: str, sample: int | None) -> AsyncIterator[Look]:
    """What is asked, in its turn."""
    explorer, channel = _explorer(request), Quality.parse(quality)
    body = b"" if sample is not None else await receive(request)
    async with explorer.turn() as engine:
        yield await explorer.look(engine, body, sample, channel)


@router.get("/places/{row}", response_class=Response, responses=PROBLEMS | _JPEG, summary="A place of the map")
async def place_picture(request: Request, row: Number, width: Width = 240) -> Response:
    """By its row in the map."""
    return await _picture(request, lambda album, town: album.place_jpeg(town, row, width))


@router.get("/samples/{number}", response_class=Response, responses=PROBLEMS | _JPEG, summary="A sample query")
async def sample_picture(request: Request, number: Number, width: Width = 240) -> Response:
    """By its number, below that of /v1/explorer."""
    return await _picture(request, lambda album, town: album.sample_jpeg(town, number, width))


async def _picture(request: Request, find: Callable[[Album, Map], bytes | None]) -> Response:
    """What is found in the album, as JPEG."""
    explorer = _explorer(request)
    album, town = explorer.album, explorer.service.takeover.engine.map
    data = None if album is None else await explorer.service.decode(partial(find, album, town))
    if data is None:
        raise Problem(404, "expected a picture that may be shown, found none. Start the service with --places.")
    return Response(data, media_type="image/jpeg", headers={"Cache-Control": "private, max-age=60"})


def _explorer(request: Request) -> Explorer:
    explorer: Explorer = request.app.state.explorer
    return explorer
