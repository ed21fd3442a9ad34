from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from hypothesis import given
from hypothesis import strategies as st
from starlette.datastructures import Headers
from websockets.exceptions import InvalidStatus

from lofivpr.models import Describer
from lofivpr.serving import ApiKey, Limits, Settings
from lofivpr.serving.security import KeyRing, given_key, host_name

RED, BLUE = ApiKey("red", "red-0123456789abcdef"), ApiKey("blue", "blue-0123456789abcdef")


@pytest.fixture(scope="module")
def guarded(
    map_folder: Path, describer: Describer, run_service: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Any]:
    """A service for other machines: TLS, two keys, a name, and a page elsewhere that may ask."""
    folder = tmp_path_factory.mktemp("tls")
    authority = trustme.CA()
    issued = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    issued.private_key_pem.write_to_path(folder / "key.pem")
    for blob in issued.cert_chain_pems:
        blob.write_to_path(folder / "cert.pem", append=True)
    settings = Settings(
        host="0.0.0.0",
        port=0,
        api_keys=(RED, BLUE),
        tls_cert=folder / "cert.pem",
        tls_key=folder / "key.pem",
        hostnames=("vpr.example",),
        origins=("https://robots.example",),
        limits=Limits(refused_per_minute=20),
    )
    with run_service(map_folder, describer, settings, tls=folder / "ca.pem") as one:
        yield one


def hello_of(socket: Any) -> dict[str, Any]:
    socket.send('{"codec": "h264"}')
    return json.loads(socket.recv(timeout=10))


def test_a_key_opens_by_either_header(guarded: Any) -> None:
    for headers in ({"authorization": f"Bearer {RED.secret}"}, {"x-api-key": BLUE.secret}):
        with guarded.client(headers=headers) as client:
            assert client.get("/v1/map").status_code == 200
            assert client.get("/openapi.json").status_code == 200


def test_without_a_right_key_nothing_is_told(guarded: Any) -> None:
    headers: list[dict[str, str]] = [{}, {"x-api-key": "wrong"}, {"authorization": f"Basic {RED.secret}"}]
    for given_headers in headers:
        with guarded.client(headers=given_headers) as client:
            for path in ("/v1/map", "/metrics", "/openapi.json", "/v1/nothing", f"/v1/map?key={RED.secret}"):
                answer = client.get(path)
                assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer"
                assert answer.json()["detail"].startswith("expected an API key")
            assert client.get("/healthz").status_code == 200 and client.get("/readyz").status_code == 200
        if given_headers:
            break  # wrong ones are counted


def test_a_websocket_takes_the_key_as_a_header_or_as_a_protocol(guarded: Any) -> None:
    with guarded.stream(additional_headers={"x-api-key": RED.secret}) as socket:
        assert "hello" in hello_of(socket)
    with guarded.stream(subprotocols=["lofivpr", f"key.{BLUE.secret}"]) as socket:
        assert socket.subprotocol == "lofivpr" and "hello" in hello_of(socket)
    for options in ({}, {"subprotocols": ["lofivpr", "key.wrong-0123456789"]}):
        with pytest.raises(InvalidStatus) as refused, guarded.stream(**options):
            pass
        assert refused.value.response.status_code == 401
        assert b"expected an API key" in refused.value.response.body


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 421), ("", 421), ("vpr.example", 200), ("VPR.example.:443", 200), ("10.1.2.3:8000", 200)],
)
def test_the_host_is_checked(host: str, status: int, guarded: Any) -> None:
    with guarded.client(headers={"x-api-key": RED.secret, "host": host}) as client:
        assert client.get("/v1/map").status_code == status


@pytest.mark.parametrize(
    ("origin", "status"),
    [
        ("https://evil.example", 403),
        ("null", 403),
        ("https://robots.example", 200),
        ("http://localhost:PORT", 403),
        ("https://localhost:PORT", 200),
        ("https://localhost", 403),
    ],
)
def test_the_origin_is_checked(origin: str, status: int, guarded: Any) -> None:
    origin = origin.replace("PORT", str(guarded.port))
    headers = {"x-api-key": RED.secret, "origin": origin}
    with guarded.client(headers=headers) as client:
        answer = client.get("/v1/map")
        assert answer.status_code == status
        assert not [name for name in answer.headers if name.startswith("access-control")], "no CORS"
    if status == 200:
        with guarded.stream(additional_headers=headers) as socket:
            assert "hello" in hello_of(socket)
    else:
        with pytest.raises(InvalidStatus) as refused, guarded.stream(additional_headers=headers):
            pass
        assert refused.value.response.status_code == 403


@pytest.mark.parametrize(("host", "status"), [("evil.example", 421), ("127.0.0.1", 200), ("[::1]:1", 200)])
def test_this_machine_alone_is_this_machines_name(host: str, status: int, service: Any) -> None:
    with service.client(headers={"host": host}) as client:
        assert client.get("/v1/map").status_code == status


def test_a_preflight_gets_no_permission(guarded: Any) -> None:
    headers = {"origin": "https://evil.example", "access-control-request-method": "POST"}
    with guarded.client(headers=headers) as client:
        answer = client.options("/v1/locate")
    assert answer.status_code == 403 and "access-control-allow-origin" not in answer.headers


def test_answers_carry_the_headers_of_a_careful_server(service: Any) -> None:
    with service.client() as client:
        for path in ("/v1/map", "/nowhere"):
            headers = client.get(path).headers
            assert headers["x-content-type-options"] == "nosniff" and headers["cache-control"] == "no-store"
            assert "default-src 'self'" in headers["content-security-policy"]
            assert "server" not in headers


def test_guessing_keys_is_stopped(guarded: Any) -> None:
    """Last of all: from now on this address is not listened to."""
    with guarded.client(headers={"x-api-key": "guess-0123456789"}) as client:
        statuses = [client.get("/v1/map").status_code for _ in range(40)]
    assert set(statuses[-10:]) == {429}
    with guarded.client(headers={"x-api-key": RED.secret}) as client:
        assert client.get("/v1/map").status_code == 429, "not even a right key, or guessing would tell"


def test_a_key_ring_knows_its_owners() -> None:
    ring = KeyRing(Settings(api_keys=(RED, BLUE)))
    assert (ring.owner(RED.secret), ring.owner(BLUE.secret), len(ring)) == ("red", "blue", 2)
    for wrong in (None, "", RED.secret[:-1], RED.secret + "x", RED.secret.upper(), "\ud800"):
        assert ring.owner(wrong) is None


@given(st.text(max_size=60))
def test_any_host_header_is_read(text: str) -> None:
    assert isinstance(host_name(text), str)


@pytest.mark.parametrize(
    ("host", "name"),
    [("Robots.Example:80", "robots.example"), ("[::1]:80", "::1"), ("127.0.0.1", "127.0.0.1"), ("a@b", "b"), ("[", "")],
)
def test_host_names(host: str, name: str) -> None:
    assert host_name(host) == name


def test_where_keys_are_looked_for() -> None:
    assert given_key(Headers({"authorization": "bearer  abc "})) == "abc"
    assert given_key(Headers({"authorization": "Basic abc"})) is None
    assert given_key(Headers({"sec-websocket-protocol": "lofivpr, key.a.b"})) == "a.b"
    assert given_key(Headers({"sec-websocket-protocol": "lofivpr"})) is None
