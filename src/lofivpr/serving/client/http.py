"""Requests to a service: asked again while it cannot answer, and never for ever."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx

from lofivpr.errors import LofiError
from lofivpr.serving.client.address import Address
from lofivpr.serving.client.backoff import Backoff

LATER = (429, 503)
"""States of a service in which the same request may be answered a little later."""
_PINGS = 3
_KEPT_S = 4.0  # an idle connection is kept; servers close theirs after 5 s


class NoAnswerError(LofiError):
    """The service was not reached, or did not answer, for as long as the client has patience."""


class RefusedError(LofiError):
    """The service said no, and why: a wrong key, a picture that it does not read."""


@dataclass(frozen=True)
class Reply:
    """An answer's JSON, its bytes, and the seconds that the exchange took."""

    body: dict[str, Any]
    n_bytes: int
    seconds: float


class Http:
    """One service by HTTP; a connection is kept open between requests. Safe in threads."""

    def __init__(self, address: Address, patience_s: float) -> None:
        """`patience_s`: seconds after which a request is given up. Raises SettingsError: see `Address.context`."""
        self.address, self.patience_s = address, patience_s
        self._client = httpx.Client(
            headers={**address.headers, "User-Agent": "lofivpr"},
            verify=address.context() or True,
            timeout=patience_s,
            limits=httpx.Limits(keepalive_expiry=_KEPT_S),
        )

    def pings(self) -> list[float]:
        """Seconds of some requests that carry nothing. Raises NoAnswerError."""
        self.request("GET", "/healthz")  # this one opens the connection
        return [self.request("GET", "/healthz").seconds for _ in range(_PINGS)]

    def request(
        self, method: str, path: str, body: bytes = b"", params: Mapping[str, str] | None = None, kind: str = ""
    ) -> Reply:
        """One request, sent again after failures that may pass.

        Args:
            body: with its content type `kind`.

        Raises:
            NoAnswerError: it failed until the patience was at its end.
            RefusedError: the service refuses it.
        """
        end, backoff = time.monotonic() + self.patience_s, Backoff()
        headers = {"Content-Type": kind} if kind else {}
        while True:
            started = time.perf_counter()
            try:
                response = self._client.request(
                    method, self.address.base + path, content=body or None, params=params, headers=headers
                )
            except httpx.TransportError as error:
                if is_for_ever(error):
                    raise RefusedError(told_for_ever(self.address, error)) from error
                wait, found = backoff.wait_s(), str(error) or type(error).__name__
            else:
                if response.status_code not in LATER:
                    return _reply(response, self.address, time.perf_counter() - started)
                wait, found = _retry_after(response) or backoff.wait_s(), problem_of(response.content)
            if time.monotonic() + wait > end:
                raise NoAnswerError(
                    f"expected an answer from {self.address.base} within {self.patience_s:g} s, found: {found}. Check "
                    "that the service runs and that the link is up, then ask again."
                )
            time.sleep(wait)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


def is_for_ever(error: BaseException) -> bool:
    """Will it fail again however often it is tried: a certificate that is not trusted, a name that is none?"""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return True
        seen = seen.__cause__ or seen.__context__
    return isinstance(error, httpx.UnsupportedProtocol) or "CERTIFICATE_VERIFY_FAILED" in str(error)


def told_for_ever(address: Address, error: BaseException) -> str:
    """Why a service is not spoken to."""
    return (
        f"expected a certificate of {address.base} that this machine trusts, found: {error}. Name the authority that "
        "signed it by --ca, and the service by the name in its certificate."
    )


def problem_of(content: bytes) -> str:
    """The words of an `application/problem+json`, or the beginning of whatever came instead."""
    try:
        return str(json.loads(content)["detail"])
    except (ValueError, KeyError, TypeError):
        return repr(content[:80].decode("utf-8", "replace"))


def _reply(response: httpx.Response, address: Address, seconds: float) -> Reply:
    """Raises RefusedError."""
    if response.status_code != 200:
        raise RefusedError(f"{address.base} refuses ({response.status_code}): {problem_of(response.content)}")
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise RefusedError(
            f"expected an answer of a localization service from {address.base}, found another: "
            f"{response.content[:60]!r}. Check the address."
        )
    return Reply(body, len(response.content), seconds)


def _retry_after(response: httpx.Response) -> float:
    try:
        return min(max(float(response.headers.get("Retry-After", 0)), 0.0), 60.0)
    except ValueError:
        return 0.0
