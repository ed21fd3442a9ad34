"""One WebSocket to `/v1/stream`: a hello, then a frame and its answer, one after another."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack
from typing import Any

from websockets.exceptions import ConnectionClosed, InvalidStatus, WebSocketException
from websockets.sync.client import connect

from lofivpr.errors import LofiError
from lofivpr.serving.client.address import Address
from lofivpr.serving.client.http import LATER, RefusedError, is_for_ever, problem_of, told_for_ever
from lofivpr.serving.wire import write_packet

_CLOSE_S = 1.0
_MOST_OPEN_S = 10.0


class LostError(LofiError):
    """The connection broke, or could not be opened; another one may do."""


class FrameError(LofiError):
    """The service has no answer to one frame; the connection is as it was."""


class Connection:
    """Used by one thread."""

    def __init__(self, address: Address, patience_s: float) -> None:
        """Open it.

        Raises:
            LostError: the service is not reached, or takes no more streams now.
            RefusedError: it takes none from this client.
        """
        self._patience_s, self._open = patience_s, ExitStack()
        try:
            self._socket = self._open.enter_context(
                connect(
                    address.stream,
                    ssl=address.context(),
                    additional_headers=address.headers,
                    user_agent_header="lofivpr",
                    compression=None,
                    open_timeout=min(patience_s, _MOST_OPEN_S),
                    close_timeout=_CLOSE_S,
                )
            )
        except InvalidStatus as error:
            words = problem_of(bytes(error.response.body or b""))
            if error.response.status_code in LATER or error.response.status_code >= 500:
                raise LostError(words) from error
            raise RefusedError(f"{address.base} refuses ({error.response.status_code}): {words}") from error
        except (OSError, WebSocketException) as error:  # TimeoutError and ssl.SSLError are OSErrors
            if is_for_ever(error):
                raise RefusedError(told_for_ever(address, error)) from error
            raise LostError(str(error) or type(error).__name__) from error

    def say(self, hello: dict[str, Any]) -> None:
        """What the packets that follow are; the service's reply comes before their answers. Raises LostError."""
        self._send(json.dumps(hello))

    def ask(self, frame: int, micros: int, packet: bytes) -> tuple[dict[str, Any], int]:
        """The answer to a frame, and its bytes.

        Raises:
            LostError: the connection broke, or there was no answer within the patience.
            FrameError: the service has none.
        """
        self._send(write_packet(frame, micros, packet))
        end = time.monotonic() + self._patience_s
        while True:
            text = self._receive(end)
            message = json.loads(text)
            if message.get("closing"):
                raise LostError(message["error"])
            if frame in message.get("skipped", ()):
                raise FrameError("the service was too busy for it.")
            if message.get("frame") != frame:  # the reply to a hello, or an answer that came too late
                continue
            if "error" in message:
                raise FrameError(message["error"])
            return message, len(text)

    def _send(self, data: str | bytes) -> None:
        try:
            self._socket.send(data)
        except (OSError, ConnectionClosed) as error:
            raise LostError(str(error)) from error

    def _receive(self, end: float) -> str:
        try:
            text = self._socket.recv(timeout=max(end - time.monotonic(), 0.0))
        except (OSError, ConnectionClosed) as error:
            raise LostError(str(error) or f"no answer within {self._patience_s:g} s") from error
        return text if isinstance(text, str) else ""

    def close(self) -> None:
        """Say goodbye, for a second at most."""
        self._open.close()
