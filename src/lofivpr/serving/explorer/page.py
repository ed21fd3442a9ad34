"""The files of the page, read once from the package: a name from a client is looked up, never opened."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from importlib.resources.abc import Traversable

from fastapi import APIRouter, Request
from starlette.responses import Response

from lofivpr.serving.problems import Problem

OPEN_PATHS = ("/", "/explorer/")  # the page itself tells nothing: what it asks for needs the key
PAGE, STYLE = "index.html", "theme.css"
_KINDS = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-cache",  # a browser keeps it, and asks whether it is still the same
}

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True)
class PageFile:
    """One file of the page: its bytes, media type, and what names this state of it."""

    data: bytes
    kind: str
    etag: str


@router.get("/")
def page(request: Request) -> Response:
    """The page."""
    return _answer(request, PAGE)


@router.get("/explorer/{name:path}")
def page_file(request: Request, name: str) -> Response:
    """A script, a style sheet."""
    return _answer(request, name)


def _answer(request: Request, name: str) -> Response:
    found = page_files().get(name)
    if found is None:
        raise Problem(404, "expected a file of the page, found another name. Load the page again.")
    headers = {**_HEADERS, "ETag": found.etag}
    if request.headers.get("if-none-match") == found.etag:
        return Response(status_code=304, headers=headers)
    return Response(found.data, media_type=f"{found.kind}; charset=utf-8", headers=headers)


@lru_cache(maxsize=1)
def page_files() -> dict[str, PageFile]:
    """Every file by its name behind /explorer/; the colours come from the figures of the reports."""
    from lofivpr.evaluation.theme import stylesheet  # brings Matplotlib, which only a visitor needs

    found = dict(_files(resources.files(__package__) / "static", ""))
    return found | {STYLE: _page_file(STYLE, stylesheet().encode())}


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, PageFile]]:
    for one in folder.iterdir():
        if one.is_dir():
            yield from _files(one, f"{prefix}{one.name}/")
        elif one.name.endswith(tuple(_KINDS)):
            yield prefix + one.name, _page_file(one.name, one.read_bytes())


def _page_file(name: str, data: bytes) -> PageFile:
    kind = next(kind for ending, kind in _KINDS.items() if name.endswith(ending))
    return PageFile(data, kind, f'"{hashlib.sha256(data).hexdigest()[:32]}"')
