"""`create_app`: the service as an ASGI application, put together from one router a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response

from lofivpr.errors import LofiError
from lofivpr.models import Describer
from lofivpr.serving import about, explorer, locate, stream
from lofivpr.serving.access import Access
from lofivpr.serving.batching import BusyError
from lofivpr.serving.problems import Problem, invalid_response, problem_response
from lofivpr.serving.security import OPEN_PATHS, Guard
from lofivpr.serving.service import Service
from lofivpr.serving.settings import Settings

DESCRIPTION = """Where was this picture taken? Queries of low quality are welcome: that is what the model is for.

Stills by `POST /v1/locate`, streams of encoded video by the WebSocket `/v1/stream` (see the documentation of the
package for its messages). Where the service has API keys, send one as `Authorization: Bearer KEY` or `X-API-Key: KEY`.
"""


def create_app(
    map_path: str | Path,
    model: Describer | str | Path | None = None,
    settings: Settings | None = None,
    places: str | Path | None = None,
    routers: Sequence[APIRouter] = (),
    open_paths: Sequence[str] = (),
) -> FastAPI:
    """The service for one map.

    Args:
        map_path: a map of `lofivpr map build`.
        model: the model that made it or its student, as a folder or an object; None to take descriptors alone.
        settings: who may ask, and limits.
        places: the data set of the map, whose pictures the page at / may then show; None shows none.
        routers: more routes, such as pages.
        open_paths: those of them that need no API key; one that ends in / is a folder.

    Raises:
        LofiError: map, model or places are missing, damaged, or do not fit the others.
    """
    settings = settings or Settings()
    service = Service(map_path, model, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await service.start()
        try:
            yield
        finally:
            await service.stop()

    app = FastAPI(
        title="lofivpr",
        version=version("lofivpr"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,  # the usual page loads its script from elsewhere
        redoc_url=None,
        middleware=[
            Middleware(Access, metrics=service.metrics),
            Middleware(Guard, settings=settings, open_paths=(*OPEN_PATHS, *explorer.OPEN_PATHS, *open_paths)),
        ],
    )
    app.state.service, app.state.explorer = service, explorer.Explorer(service, places)
    for router in (about.router, locate.router, stream.router, *explorer.routers, *routers):
        app.include_router(router)
    _tell_problems(app)
    return app


def _tell_problems(app: FastAPI) -> None:
    """Every error of the family, and the framework's own, become problems in words."""

    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(BusyError)
    async def busy(_: Request, error: BusyError) -> Response:
        return Problem(503, str(error), 1).response()

    @app.exception_handler(LofiError)
    async def mistake(request: Request, error: LofiError) -> Response:
        request.app.state.service.metrics.faults.labels("still").inc()
        return problem_response(422, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return invalid_response(error)

    @app.exception_handler(HTTPException)
    async def framework(_: Request, error: HTTPException) -> Response:
        words = {404: "expected a path of this service, found another. GET /openapi.json lists them."}
        return problem_response(error.status_code, words.get(error.status_code, f"{error.detail}."), error.headers)
