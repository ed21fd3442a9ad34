"""Who may ask: Host, Origin and API key of every request and WebSocket, before anything else sees it."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import socket
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from lofivpr.serving.buckets import Buckets
from lofivpr.serving.problems import Problem
from lofivpr.serving.settings import Settings, is_loopback

PROTOCOL = "lofivpr"  # of a WebSocket; beside it a browser, which can set no header, offers `key.<API key>`
OPEN_PATHS = ("/healthz", "/readyz")  # a supervisor asks these without a key; they tell nothing
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}


class KeyRing:
    """The API keys as digests; comparing takes as long for a wrong key as for a right one."""

    def __init__(self, settings: Settings) -> None:
        self._keys = [(key.name, _sha256(key.secret)) for key in settings.api_keys]

    def __len__(self) -> int:
        return len(self._keys)

    def owner(self, secret: str | None) -> str | None:
        """The name of a key's owner; None for a wrong key. Every key is compared, whichever fits."""
        given, found = _sha256(secret or ""), None
        for name, digest in self._keys:
            if hmac.compare_digest(digest, given):
                found = name
        return found if secret else None


class Guard:
    """ASGI middleware. A request that passes knows its client: `scope["state"]["client"]`."""

    def __init__(self, app: ASGIApp, settings: Settings, open_paths: tuple[str, ...] = OPEN_PATHS) -> None:
        """`open_paths` are those that need no key; one that ends in / is a folder of static files."""
        self.app, self._settings, self._keys = app, settings, KeyRing(settings)
        self._open = open_paths
        limits = settings.limits
        self._requests = Buckets(limits.requests_per_s, 20 * limits.requests_per_s)
        self._refused = Buckets(limits.refused_per_minute / 60, limits.refused_per_minute)
        self._names = _own_names(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, with its client's name; or answer it with a problem."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        try:
            client = self._admit(scope)
        except Problem as problem:
            if scope["type"] == "websocket":
                await WebSocket(scope, receive, send).send_denial_response(problem.response())
            else:
                await problem.response()(scope, receive, _with_headers(send))
            return
        scope.setdefault("state", {})["client"] = client
        await self.app(scope, receive, _with_headers(send) if scope["type"] == "http" else send)

    def _admit(self, scope: Scope) -> str:
        """The client's name. Raises Problem."""
        headers = Headers(scope=scope)
        self._check_host(headers)
        self._check_origin(headers)
        address = (scope.get("client") or ("unknown", 0))[0]
        client = self._owner(headers, scope, address)
        wait = self._requests[client].try_take(1)
        if wait:
            limit = self._settings.limits.requests_per_s
            raise Problem(429, f"expected at most {limit:g} requests a second, found more. Send fewer.", wait)
        return client

    def _check_host(self, headers: Headers) -> None:
        """Against DNS rebinding: another site's name that was made to point at this machine."""
        name = host_name(headers.get("host", ""))
        if name in self._names or (not self._settings.is_local and _is_address(name)):
            return
        if self._settings.is_local and is_loopback(name):
            return
        raise Problem(
            421, f"expected a Host that this service is known by, found {name[:100]!r}. Name it by --hostname."
        )

    def _check_origin(self, headers: Headers) -> None:
        """Against pages of other sites that have a browser ask: only the service's own, or ones that were named."""
        origin = headers.get("origin")
        if origin is None or origin in self._settings.origins:
            return
        scheme = "https" if self._settings.tls_cert else "http"
        if origin.lower() == f"{scheme}://{headers.get('host', '').lower()}":
            return
        raise Problem(
            403, f"expected a page of this service itself, found the origin {origin[:100]!r}. Name it by --origin."
        )

    def _owner(self, headers: Headers, scope: Scope, address: str) -> str:
        if not len(self._keys) or self._is_open(scope["path"]):
            return f"address {address}"
        if self._refused[address].level < 1:
            raise Problem(429, "expected a right API key, found too many wrong ones. Wait a minute.", 60)
        owner = self._keys.owner(given_key(headers))
        if owner is None:
            self._refused[address].take(1)
            raise Problem(
                401,
                "expected an API key of this service, found "
                f"{'a wrong one' if given_key(headers) else 'none'}. Send it as Authorization: Bearer KEY, as "
                f"X-API-Key: KEY, or in a browser's WebSocket as the protocols '{PROTOCOL}' and 'key.KEY'.",
            )
        return f"key {owner}"

    def _is_open(self, path: str) -> bool:
        return any(path == one or (one.endswith("/") and one != "/" and path.startswith(one)) for one in self._open)


def given_key(headers: Headers) -> str | None:
    """The API key that a request carries, None without one. A query string, which logs keep, is not looked at."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if headers.get("x-api-key"):
        return headers["x-api-key"]
    offered = [one.strip() for one in ",".join(headers.getlist("sec-websocket-protocol")).split(",")]
    return next((one[4:] for one in offered if one.startswith("key.")), None)


def host_name(host: str) -> str:
    """The name in a Host header without its port: lower case, an IPv6 address without brackets."""
    try:
        return (urlsplit(f"//{host}").hostname or "").rstrip(".").lower()
    except ValueError:
        return ""


def _own_names(settings: Settings) -> set[str]:
    own = {settings.host, *settings.hostnames}
    if not settings.is_local:
        own |= {socket.gethostname(), socket.getfqdn(), "localhost"}
    return {host_name(f"[{name}]" if ":" in name else name) for name in own} - {""}


def _is_address(name: str) -> bool:
    """An address cannot be rebound as a name can."""
    try:
        return bool(ipaddress.ip_address(name))
    except ValueError:
        return False


def _with_headers(send: Send) -> Send:
    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in _HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return with_headers


def _sha256(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
