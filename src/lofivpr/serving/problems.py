"""What a client is told when it cannot be served: words, as application/problem+json (RFC 9457)."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
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

    def response(self) -> Response:
        """The HTTP response."""
        return problem_response(self.status, self.detail, self.headers)


def invalid_response(error: RequestValidationError) -> Response:
    """The problem of a request whose parameters or body do not fit, by the first that does not."""
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return problem_response(422, f"{where}: {first['msg']}.")


def problem_response(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A problem without raising it; `type` about:blank says that the status is all there is."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "detail": detail}
    return JSONResponse(body, status, headers, media_type=MEDIA_TYPE)
