"""Run the service: uvicorn with limits, TLS, and sockets that do not wait for the dead."""

from __future__ import annotations

import socket
import threading
import webbrowser
from asyncio.transports import BaseTransport
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from lofivpr.errors import LofiError
from lofivpr.models import Describer
from lofivpr.serving.app import create_app
from lofivpr.serving.logs import log, log_to
from lofivpr.serving.settings import Settings, SettingsError
from lofivpr.serving.wire import HEADER

CONNECTIONS = 1000  # open at the same time
UNSENT_BYTES = 128 * 1024  # that the kernel keeps for a client that reads slowly: answers have some two kB
UNSENT_MS = 30_000  # after which the kernel gives up a connection whose other end takes nothing


def serve(
    map_path: str | Path,
    model: Describer | str | Path | None = None,
    settings: Settings | None = None,
    places: str | Path | None = None,
    open_page: bool = False,
) -> None:
    """Serve a map until SIGINT or SIGTERM. See `create_app`.

    Args:
        map_path, model, settings, places: see `create_app`.
        open_page: show the page in this machine's browser.

    Raises:
        LofiError: map or model cannot be opened, the address cannot be listened at, or the TLS files do not fit.
    """
    settings = settings or Settings()
    log_to()
    app = create_app(map_path, model, settings, places)
    with listen(settings) as listening:
        server = make_server(app, settings)
        host, port = listening.getsockname()[:2]
        scheme = "https" if settings.tls_cert else "http"
        url = f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
        log("listening", url=url, insecure=settings.insecure)
        if open_page:
            show_page(url)
        server.run(sockets=[listening])


class Abortable(WebSocketsSansIOProtocol):
    """uvicorn's WebSocket, whose application can end it at once: closing would wait for a client that reads nothing."""

    def connection_made(self, transport: BaseTransport) -> None:
        """Hand `abort` to the application, in `scope["state"]`."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": self.transport.abort}


def make_server(app: FastAPI, settings: Settings) -> uvicorn.Server:
    """uvicorn for an application of `create_app`.

    Raises:
        SettingsError: the TLS files cannot be used.
    """
    config = uvicorn.Config(
        app,
        ws=Abortable,
        ws_max_size=settings.limits.decode.packet_bytes + HEADER.size,
        ws_per_message_deflate=False,  # packets are compressed already
        limit_concurrency=CONNECTIONS,
        timeout_graceful_shutdown=5,
        log_config=None,
        access_log=False,
        server_header=False,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
    )
    try:
        config.load()
    except OSError as error:  # ssl.SSLError is one
        raise SettingsError(
            f"expected a certificate and its private key in {settings.tls_cert} and {settings.tls_key}, found: "
            f"{error}. Give PEM files that belong together."
        ) from error
    return uvicorn.Server(config)


def show_page(url: str) -> None:
    """Show a page in this machine's browser, from a thread: a browser of the terminal would not return."""
    threading.Thread(target=webbrowser.open, args=(url,), daemon=True).start()


def listen(settings: Settings) -> socket.socket:
    """A listening socket at the address of the settings.

    Raises:
        LofiError: the address is taken or not this machine's.
    """
    try:
        family = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[0][0]
        listening = socket.create_server((settings.host, settings.port), family=family, backlog=2048)
    except OSError as error:
        raise LofiError(
            f"expected to listen at {settings.host} port {settings.port}, found: {error.strerror or error}. "
            "Choose another --port or --host."
        ) from error
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, UNSENT_BYTES)  # those that it accepts inherit this
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNSENT_MS)
    return listening
