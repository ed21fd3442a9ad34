"""The outermost layer: every HTTP request is counted and logged, and no fault leaves it without words."""

from __future__ import annotations

import logging
import time

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from lofivpr.serving.logs import log
from lofivpr.serving.metrics import Metrics
from lofivpr.serving.problems import problem_response

_QUIET = ("/healthz", "/readyz", "/metrics")  # asked every few seconds


class Access:
    """ASGI middleware. Logs method, path, status, time and client; neither query string, which says where a client
    is, nor anything of a body.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 0
        started = time.perf_counter()

        async def told(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, told)
        except Exception as error:
            log("fault", logging.ERROR, error, method=scope["method"], path=scope["path"])
            if not status:
                words = "expected an answer, found a fault of the server; its log says which."
                await problem_response(500, words)(scope, receive, told)
        finally:
            self._metrics.responses.labels(str(status)).inc()
            if scope["path"] not in _QUIET or status >= 400:
                took = round(1000 * (time.perf_counter() - started), 1)
                who = scope.get("state", {}).get("client") or (scope.get("client") or ("unknown",))[0]
                log("request", method=scope["method"], path=scope["path"], status=status, ms=took, client=who)
