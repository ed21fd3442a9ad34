from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from lofivpr.models import Describer
from lofivpr.quality.clip import EncodedClip
from lofivpr.serving import Limits, Settings
from lofivpr.serving.packets import DecodeLimits

MakeClip = Callable[..., EncodedClip]
Packet = Callable[[int, bytes], bytes]


def test_a_damaged_packet_costs_its_own_group_only(
    service: Any, make_clip: MakeClip, packet: Packet, talk: Any
) -> None:
    packets = make_clip("h264").packets
    assert packets is not None
    with service.stream() as socket:
        talk.hello(socket)
        sent = [packets[0], packets[1][:4] + bytes(30), packets[2], b"", b"\0\0\1", packets[0], packets[1]]
        told = []
        for number, data in enumerate(sent):
            socket.send(packet(number, data))
            told.append(talk.heard(socket))
        assert [one["frame"] for one in told] == list(range(7))
        assert ["fix" in one for one in told] == [True, False, False, False, False, True, True]
        assert "next key frame" in told[2]["error"]
        socket.send(b"short")
        assert talk.heard(socket)["frame"] is None
        socket.send(packet(9, packets[0]))
        assert "fix" in talk.heard(socket)


@pytest.mark.parametrize(
    ("first", "told"),
    [
        ("{}", "codec"),
        ("no json", "expected a hello"),
        (b"\0" * 40, "text first"),
        ('{"codec": "h264", "k": 5000}', "k of at most 100"),
        ('{"codec": "h264", "near": [1, 2]}', "together"),
        ("[" * 100000, "expected a hello"),
    ],
)
def test_a_bad_hello_ends_the_connection_with_words(first: str | bytes, told: str, service: Any, talk: Any) -> None:
    with service.stream() as socket:
        socket.send(first)
        code, words = talk.closed(socket)
    assert code == 1008 and told in words


def test_messages_are_bounded(
    map_folder: Path, describer: Describer, run_service: Any, packet: Packet, talk: Any
) -> None:
    limits = Limits(decode=DecodeLimits(packet_bytes=1000), idle_s=0.3, read_s=0.3)
    with run_service(map_folder, describer, Settings(port=0, limits=limits)) as service:
        with service.stream() as socket:
            talk.hello(socket)
            socket.send(bytes(1017))
            assert talk.closed(socket)[0] == 1009
        with service.stream() as socket:
            talk.hello(socket)
            assert talk.closed(socket) == (1008, "expected frames, and answers to be read, in time; found neither")
        with service.stream() as socket:
            assert talk.closed(socket)[0] == 1008


def test_streams_of_a_client_are_bounded(map_folder: Path, describer: Describer, run_service: Any, talk: Any) -> None:
    with run_service(map_folder, describer, Settings(port=0, limits=Limits(streams=2))) as service:
        with service.stream() as one, service.stream() as two:
            talk.hello(one), talk.hello(two)
            with pytest.raises(InvalidStatus) as refused, service.stream():
                pass
            assert refused.value.response.status_code == 429 and b"at most 2 streams" in refused.value.response.body
        for _ in range(100):
            if not service.app.state.service.streams:
                break
            time.sleep(0.02)
        with service.stream() as again:
            talk.hello(again)


def test_a_fast_sender_waits_in_its_own_socket(
    map_folder: Path,
    describer: Describer,
    run_service: Any,
    packet: Packet,
    make_picture: Any,
    talk: Any,
) -> None:
    """20 frames a second and as many at once twice over: 60 frames take a second or more."""
    data = talk.jpeg(make_picture(1))
    with run_service(map_folder, describer, Settings(port=0, limits=Limits(frames_per_s=20))) as service:
        with service.stream() as socket:
            talk.hello(socket, codec="jpeg")
            started = time.monotonic()
            for number in range(60):
                socket.send(packet(number, data))
            answer = talk.heard(socket)
            while answer["frame"] != 59:
                answer = talk.heard(socket)
            assert time.monotonic() - started > 0.9


def test_clients_that_vanish_leave_nothing(
    service: Any, make_clip: MakeClip, packet: Packet, wait_until: Any, talk: Any
) -> None:
    """In the handshake, before the hello, in the middle of a frame, with answers under way."""
    data = make_clip("h264", count=1).packets[0]  # type: ignore[index]
    handshake = (
        b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    text = b'{"codec": "h264"}'
    masked_hello = b"\x81" + bytes([0x80 | len(text)]) + bytes(4) + text
    message = packet(0, data)
    masked_frame = b"\x82\xfe" + struct.pack(">H", len(message)) + bytes(4) + message
    whole = handshake + masked_hello + masked_frame * 3
    for cut in (30, len(handshake), len(handshake) + 9, len(handshake + masked_hello) + 300, len(whole)):
        for reset in (False, True):
            with socket.create_connection(("localhost", service.port), timeout=10) as client:
                client.sendall(whole[:cut])
                time.sleep(0.02)
                if reset:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    wait_until(lambda: not service.app.state.service.streams)
    assert service.metric("lofivpr_open_streams") == 0 and service.app.state.service.batcher.lanes_waiting == 0
    with service.stream() as socket_:
        talk.hello(socket_)
        socket_.send(packet(0, data))
        assert "fix" in talk.heard(socket_)


def test_a_slow_reader_holds_up_nobody_and_is_dropped(
    map_folder: Path,
    describer: Describer,
    run_service: Any,
    packet: Packet,
    make_picture: Any,
    wait_until: Any,
    talk: Any,
) -> None:
    """A client that sends and never reads, through a socket with next to no room."""
    data = talk.jpeg(make_picture(1, (16, 16)))
    limits = Limits(send_s=0.5, frames_per_s=5000)
    with run_service(map_folder, describer, Settings(port=0, limits=limits)) as service:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.connect(("127.0.0.1", service.port))
        raw.setblocking(True)
        with service.stream(sock=raw, max_queue=1, close_timeout=0.1) as stuck:  # its library reads one ahead
            talk.hello(stuck, codec="jpeg", k=100)

            def flood() -> None:
                try:
                    for number in range(1_000_000):
                        stuck.send(packet(number, data))
                except (ConnectionClosed, OSError):
                    return

            thread = threading.Thread(target=flood, daemon=True)
            thread.start()
            with service.stream() as other:
                talk.hello(other, codec="jpeg")
                for number in range(10):
                    other.send(packet(number, data))
                    assert talk.heard(other)["frame"] == number
            wait_until(lambda: not service.app.state.service.streams, 20)
            thread.join(10)
            assert not thread.is_alive()
