from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from lofivpr.serving.client.address import Address
from lofivpr.serving.client.http import Http, NoAnswerError, RefusedError, problem_of


class Handler(BaseHTTPRequestHandler):
    """Answers as it is told, once each, then with the last of them."""

    script: list[tuple[int, bytes, dict[str, str]]] = []
    seen: list[Any] = []
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.seen.append((self.path, dict(self.headers), body))
        status, answer, headers = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if status == 0:  # hang up
            self.close_connection = True
            return
        self.send_response(status)
        for name, value in {"Content-Length": str(len(answer)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture
def server() -> Iterator[tuple[str, type[Handler]]]:
    Handler.script, Handler.seen = [], []
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as one:
        threading.Thread(target=one.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{one.server_port}", Handler
        one.shutdown()


def ask(url: str, patience_s: float = 10.0) -> Any:
    http = Http(Address(url, "secret-key"), patience_s)
    try:
        return http.request("POST", "/v1/locate", b"picture", {"k": "1"}, "image/jpeg")
    finally:
        http.close()


GOOD = (200, b'{"a": 1}', {})
BUSY = json.dumps({"detail": "expected fewer questions, found many."}).encode()


def test_an_answer(server: Any) -> None:
    url, handler = server
    handler.script = [GOOD]
    reply = ask(url)
    assert reply.body == {"a": 1} and reply.n_bytes == 8 and reply.seconds > 0
    path, headers, body = handler.seen[0]
    assert path == "/v1/locate?k=1" and body == b"picture"
    assert headers["Authorization"] == "Bearer secret-key" and headers["Content-Type"] == "image/jpeg"


@pytest.mark.parametrize("first", [(503, BUSY, {}), (429, BUSY, {"Retry-After": "0.2"}), (0, b"", {})])
def test_what_may_pass_is_tried_again(server: Any, first: Any) -> None:
    url, handler = server
    handler.script = [first, first, GOOD]
    assert ask(url).body == {"a": 1} and len(handler.seen) == 3


def test_patience_ends(server: Any) -> None:
    url, handler = server
    handler.script = [(503, BUSY, {})]
    with pytest.raises(NoAnswerError, match="within 0.5 s, found: expected fewer questions"):
        ask(url, 0.5)
    with pytest.raises(NoAnswerError, match="Check that the service runs"):
        ask("http://127.0.0.1:9", 0.3)


@pytest.mark.parametrize("status", [401, 403, 404, 409, 413, 422, 500])
def test_a_refusal_is_told_once_in_the_services_words(server: Any, status: int) -> None:
    url, handler = server
    handler.script = [(status, json.dumps({"detail": "expected this, found that."}).encode(), {})]
    with pytest.raises(RefusedError, match=rf"\({status}\): expected this, found that"):
        ask(url)
    assert len(handler.seen) == 1


@pytest.mark.parametrize("answer", [b"<html>", b"[1]", b""])
def test_another_kind_of_server(server: Any, answer: bytes) -> None:
    url, handler = server
    handler.script = [(200, answer, {})]
    with pytest.raises(RefusedError, match="Check the address"):
        ask(url)


def test_words_of_anything() -> None:
    assert problem_of(b'{"detail": "words"}') == "words"
    assert problem_of(b"\xff<html>") == repr("\ufffd<html>") and problem_of(b"[]") == "'[]'"
