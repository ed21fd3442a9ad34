"""The Aligner as an ASGI application: the page, and what it asks for."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from lofivpr.alignment import Job
from lofivpr.errors import LofiError
from lofivpr.serving.aligner.routes import router
from lofivpr.serving.problems import Problem, invalid_response, problem_response
from lofivpr.serving.security import Guard
from lofivpr.serving.settings import Settings, SettingsError


def create_aligner(job: Job, settings: Settings | None = None) -> FastAPI:
    """The page for one job. It writes files, so only this machine may ask, and only its own page.

    Args:
        settings: the address, which must be this machine's own.

    Raises:
        SettingsError: an address that other machines reach.
    """
    settings = settings or Settings()
    if not settings.is_local:
        raise SettingsError(f"expected an address of this machine for the Aligner, which writes files, found "
                            f"{settings.host}. Listen at 127.0.0.1.")  # fmt: skip
    app = FastAPI(
        title="lofivpr Aligner",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        middleware=[Middleware(Guard, settings=settings, open_paths=("/",))],
    )
    app.state.job = job
    app.include_router(router)
    _tell_problems(app)
    app.mount("/", StaticFiles(directory=Path(str(resources.files(__package__))) / "static", html=True))
    return app


def _tell_problems(app: FastAPI) -> None:
    @app.exception_handler(Problem)
    async def problem(_: Request, error: Problem) -> Response:
        return error.response()

    @app.exception_handler(LofiError)
    async def mistake(_: Request, error: LofiError) -> Response:
        return problem_response(422, str(error))

    @app.exception_handler(RequestValidationError)
    async def invalid(_: Request, error: RequestValidationError) -> Response:
        return invalid_response(error)

    @app.exception_handler(HTTPException)
    async def framework(_: Request, error: HTTPException) -> Response:
        return problem_response(error.status_code, f"{error.detail}.", error.headers)
