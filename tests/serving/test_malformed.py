"""Malformed requests: from the OpenAPI description, and bytes that are hardly HTTP. None may be a fault (5xx)."""

from __future__ import annotations

import json
import random
import socket
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import content_type_conformance, status_code_conformance
from websockets.exceptions import ConnectionClosed

from lofivpr.models import Describer
from lofivpr.serving import Limits, Settings, create_app

FREE = Limits(requests_per_s=1e6, bytes_per_s=1e12)
CASES = 40


@pytest.fixture(scope="module")
def free(map_folder: Path, describer: Describer, run_service: Any) -> Any:
    """A service that does not slow anybody down."""
    with run_service(map_folder, describer, Settings(port=0, limits=FREE)) as one:
        yield one


def test_requests_from_the_description(free: Any) -> None:
    """Schemathesis: requests that follow the description and requests that break it, on every route."""
    described = schemathesis.openapi.from_url(f"{free.url}/openapi.json")
    for found in described.get_all_operations():
        operation = found.ok()
        ask_all(operation, schemathesis.GenerationMode.POSITIVE)
        if operation.method == "post":  # the others have nothing that could be wrong
            ask_all(operation, schemathesis.GenerationMode.NEGATIVE)
    assert free.metric("lofivpr_responses_total", status="500") == 0
    assert free.metric("lofivpr_responses_total", status="422") > 20


def ask_all(operation: Any, mode: Any) -> None:
    checks = [not_a_server_error, status_code_conformance, content_type_conformance]

    @settings(
        max_examples=CASES if operation.method == "post" else 10,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=checks)

    ask()


def test_bytes_that_are_hardly_http(free: Any) -> None:
    """A valid request with bytes changed; the server answers or hangs up, and goes on."""
    rng = random.Random(1)
    valid = (
        b"POST /v1/locate?k=3 HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/png\r\nContent-Length: 4\r\n\r\nabcd"
    )
    for _ in range(300):
        data = bytearray(valid)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        with socket.create_connection(("localhost", free.port), timeout=5) as client:
            client.sendall(bytes(data))
            client.shutdown(socket.SHUT_WR)
            first = client.recv(64)
        assert first == b"" or (first.startswith(b"HTTP/1.1 ") and not first.startswith(b"HTTP/1.1 5")), bytes(data)
    with free.client() as client:
        assert client.get("/healthz").status_code == 200
    assert free.metric("lofivpr_responses_total", status="500") == 0


MESSAGES = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100),
    st.builds(
        json.dumps,
        st.dictionaries(
            st.sampled_from(["codec", "size", "k", "near", "radius_m", "heading", "sequence", "x"]),
            st.one_of(
                st.sampled_from(["h264", "h265", "av1", "vp9", "jpeg"]),
                st.integers(-3, 10**20),
                st.floats(),
                st.none(),
                st.booleans(),
                st.lists(st.integers(-5, 500), max_size=3),
            ),
            max_size=4,
        ),
    ),
)


@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(
    first=st.booleans(), codec=st.sampled_from(["h264", "vp9", "av1", "jpeg"]), messages=st.lists(MESSAGES, max_size=6)
)
def test_streams_of_anything(free: Any, first: bool, codec: str, messages: list[bytes | str]) -> None:
    """Each message is answered or ends the connection with a code that is the client's fault."""
    with free.stream() as socket_:
        try:
            if first:
                socket_.send(json.dumps({"codec": codec}))
                socket_.recv(timeout=10)
            for message in messages:
                socket_.send(message)
                assert isinstance(json.loads(socket_.recv(timeout=10)), dict)
        except ConnectionClosed as end:
            assert end.rcvd is None or end.rcvd.code in (1000, 1008, 1009), end


def test_the_description_is_the_applications_own(map_folder: Path, describer: Describer) -> None:
    app = create_app(map_folder, describer)
    assert json.loads(json.dumps(app.openapi()))["openapi"].startswith("3.")
