"""What a client is told when it cannot be served: words, as application/problem+json (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from starlette.responses import JSONResponse, Response

from lofivpr.errors import LofiError

MEDIA_TYPE = "application/problem+json"


class Problem(LofiError):
    """A request that is answered with a status other than 200, and why.

    `detail` says what was expected, what was found, and what to do. `retry_s`: seconds after which it may work.
    """

    def __init__(self, status: int, detail: str, retry_s: float | None = None) -> None:
        super().__init__(detail)
        self.status, self.detail, self.retry_s = status, detail, retry_s

    @property
    def headers(self) -> dict[str, str]:
        """Headers that belong to the status."""
        headers = {} if self.retry_s is None else {"Retry-After": str(max(1, round(self.retry_s + 0.5)))}
        return headers | ({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})

    @property
    def body(self) -> dict[str, Any]:
        """The body: type, title, status, detail."""
        return problem_body(self.status, self.detail)

    def response(self) -> Response:
        """The HTTP response."""
        return JSONResponse(self.body, self.status, self.headers, media_type=MEDIA_TYPE)


def problem_body(status: int, detail: str) -> dict[str, Any]:
    """The members of a problem that RFC 9457 names; `type` about:blank says that the status is all there is."""
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem without raising it."""
    return Response(json.dumps(problem_body(status, detail)), status, dict(headers or {}), media_type=MEDIA_TYPE)
