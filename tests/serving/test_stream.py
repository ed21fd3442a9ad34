from __future__ import annotations

import io
import json
import socket
import struct
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from websockets.exceptions import ConnectionClosed, InvalidStatus

from lofivpr.maps import Fix, Map
from lofivpr.models import Describer
from lofivpr.quality.clip import EncodedClip
from lofivpr.serving import Limits, Settings
from lofivpr.serving.packets import DecodeLimits

MakeClip = Callable[..., EncodedClip]
Packet = Callable[[int, bytes], bytes]
CODECS = ("h264", "h265", "av1", "vp9")


class Slow:
    """A describer that takes its time, and remembers how many pictures it saw at once."""

    def __init__(self, inner: Describer, seconds: float) -> None:
        self.inner, self.seconds = inner, seconds
        self.name, self.digest, self.descriptor_size = inner.name, inner.digest, inner.descriptor_size
        self.preprocessing, self.batches = inner.preprocessing, []
        self.card: dict[str, Any] = {}

    def describe(self, images: Any, quality: Any = None) -> np.ndarray:
        self.batches.append(len(images))
        time.sleep(self.seconds * len(images))
        return self.inner.describe(images, quality)


def hello(socket: Any, **values: Any) -> dict[str, Any]:
    socket.send(json.dumps({"codec": "h264", **values}))
    return json.loads(socket.recv(timeout=10))


def heard(socket: Any) -> dict[str, Any]:
    return json.loads(socket.recv(timeout=10))


def jpeg(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "JPEG", quality=90)
    return out.getvalue()


@pytest.mark.parametrize("codec", CODECS)
def test_each_frame_is_answered(
    codec: str, service: Any, make_clip: MakeClip, packet: Packet, map_folder: Path, describer: Describer
) -> None:
    """The same places as the map itself gives for the frames of the channel's own decoder."""
    clip = make_clip(codec, seed=4)
    assert clip.packets is not None
    town = Map.open(map_folder)
    with service.stream() as socket:
        agreed = hello(socket, codec=codec, k=2)
        assert agreed["hello"]["codec"] == codec and agreed["model"] == describer.digest and agreed["places"] == 16
        assert agreed["calibrated"] is False
        mean = 0.0
        for number, (data, frame) in enumerate(zip(clip.packets, clip.frames, strict=True)):
            socket.send(packet(50 + number, data))
            answer = heard(socket)
            mean += (len(data) - mean) / (number + 1)
            assert answer["frame"] == 50 + number and answer["micros"] == 100_000 * (50 + number)
            assert answer["skipped"] == []
            expected = town.locate(describer, frame, k=2)
            found = Fix.from_dict(answer["fix"])
            assert [one.ref for one in found.candidates] == [one.ref for one in expected.candidates]
            assert found.lat == pytest.approx(expected.lat, abs=1e-9)
            seen = answer["seen"]
            assert (seen["codec"], seen["width"], seen["height"], seen["bytes"]) == (codec, 160, 120, len(data))
            assert seen["bits_per_pixel"] == pytest.approx(8 * mean / (160 * 120), abs=1e-5)
            assert answer["server_ms"]["decode"] > 0 and answer["server_ms"]["describe"] > 0
        assert Fix.from_dict(answer["fix"]).candidates[0].ref is not None


def test_frames_of_jpeg(service: Any, packet: Packet, make_picture: Callable[..., np.ndarray]) -> None:
    with service.stream() as socket:
        hello(socket, codec="jpeg", k=1)
        for seed in (3, 9, 12):
            socket.send(packet(seed, jpeg(make_picture(seed))))
            answer = heard(socket)
            assert answer["fix"]["candidates"][0]["ref"] == f"{seed:02d}.png" and answer["seen"]["codec"] == "jpeg"
        socket.send(packet(13, b"no picture"))
        assert heard(socket)["error"].startswith("expected a picture")
        socket.send(packet(14, jpeg(make_picture(14))))
        assert heard(socket)["fix"]["candidates"][0]["ref"] == "14.png"


def test_a_damaged_packet_costs_its_own_group_only(service: Any, make_clip: MakeClip, packet: Packet) -> None:
    packets = make_clip("h264").packets
    assert packets is not None
    with service.stream() as socket:
        hello(socket)
        sent = [packets[0], packets[1][:4] + bytes(30), packets[2], b"", b"\0\0\1", packets[0], packets[1]]
        told = []
        for number, data in enumerate(sent):
            socket.send(packet(number, data))
            told.append(heard(socket))
        assert [one["frame"] for one in told] == list(range(7))
        assert ["fix" in one for one in told] == [True, False, False, False, False, True, True]
        assert "next key frame" in told[2]["error"]
        socket.send(b"short")
        assert heard(socket)["frame"] is None
        socket.send(packet(9, packets[0]))
        assert "fix" in heard(socket)


def test_a_hello_may_change_everything_but_the_connection(service: Any, make_clip: MakeClip, packet: Packet) -> None:
    with service.stream() as socket:
        hello(socket)
        socket.send(packet(0, make_clip("h264").packets[0]))
        assert len(heard(socket)["fix"]["candidates"]) == 5
        hello(socket, codec="vp9", k=20, near=[52.0, 13.0], radius_m=120)
        socket.send(packet(1, make_clip("vp9").packets[0]))
        answer = heard(socket)
        assert answer["seen"]["codec"] == "vp9"
        assert {one["ref"] for one in answer["fix"]["candidates"]} == {"00.png", "01.png", "02.png"}


def test_the_newest_frame_is_served_and_skipped_ones_are_reported(
    map_folder: Path, describer: Describer, run_service: Any, make_clip: MakeClip, packet: Packet
) -> None:
    """Every frame is answered or named as skipped, in order; the last one is always answered."""
    packets = make_clip("h264", count=30).packets
    assert packets is not None
    with run_service(map_folder, Slow(describer, 0.05)) as service, service.stream() as socket:
        hello(socket)
        for number, data in enumerate(packets):
            socket.send(packet(number, data))
        answered: list[int] = []
        skipped: list[int] = []
        while not answered or answered[-1] != 29:
            answer = heard(socket)
            answered.append(answer["frame"])
            skipped += answer["skipped"]
        assert sorted(answered + skipped) == list(range(30))
        assert answered == sorted(answered) and 2 <= len(answered) <= 20
        assert service.metric("lofivpr_skipped_frames_total") == len(skipped)


def test_clients_share_alike_and_are_described_together(
    map_folder: Path, describer: Describer, run_service: Any, make_clip: MakeClip, packet: Packet
) -> None:
    """One client floods, four send a frame after each answer; nobody gets more than a turn."""
    slow = Slow(describer, 0.01)
    counts = [0] * 5
    data = make_clip("h264", count=1).packets[0]  # type: ignore[index]
    stop = threading.Event()

    def polite(service: Any, which: int) -> None:
        with service.stream() as socket:
            hello(socket)
            while not stop.is_set():
                socket.send(packet(counts[which], data))
                heard(socket)
                counts[which] += 1

    def greedy(service: Any) -> None:
        with service.stream(close_timeout=0.1) as socket:
            hello(socket)

            def flood() -> None:
                number = 0
                while not stop.is_set():
                    socket.send(packet(number, data))
                    number += 1
                    time.sleep(0.002)

            flooding = threading.Thread(target=flood)
            flooding.start()
            while not stop.is_set():
                heard(socket)
                counts[0] += 1
            flooding.join()

    with run_service(map_folder, slow, Settings(port=0, limits=Limits(batch_s=1))) as service:
        threads = [threading.Thread(target=greedy, args=(service,))]
        threads += [threading.Thread(target=polite, args=(service, which)) for which in range(1, 5)]
        for thread in threads:
            thread.start()
        time.sleep(1.5)
        stop.set()
        for thread in threads:
            thread.join(10)
    assert min(counts) > 3 and counts[0] <= 1.5 * min(counts[1:]) + 5, counts
    assert max(slow.batches) >= 3, "described together"


def test_a_stream_that_is_followed(service: Any, make_picture: Any, packet: Packet) -> None:
    """Frames of place 6, then of place 7 beside it: the track gives a probability, which single frames have not."""
    with service.stream() as socket:
        hello(socket, codec="jpeg", k=2, sequence=True)
        for number, seed in enumerate([6, 6, 6, 7, 7]):
            socket.send(packet(number * 20, jpeg(make_picture(seed))))
            answer = heard(socket)
            assert answer["fix"]["probability"] is not None and len(answer["fix"]["candidates"]) == 2
        assert answer["fix"]["answered"] and answer["fix"]["candidates"][0]["ref"] == "07.png"
        assert answer["fix"]["lat"] == pytest.approx(52.0 + 7 * 50 / 111_320, abs=30 / 111_320)
        socket.send(packet(1, jpeg(make_picture(7))))
        assert heard(socket)["fix"]["answered"], "a clock that goes back does no harm"


def closed(socket: Any) -> tuple[int, str]:
    """How a connection ends: code, and the words of the last message."""
    words = ""
    try:
        while True:
            message = json.loads(socket.recv(timeout=10))
            words = message.get("error", words)
    except ConnectionClosed as end:
        assert end.rcvd is not None
        return end.rcvd.code, words


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
def test_a_bad_hello_ends_the_connection_with_words(first: str | bytes, told: str, service: Any) -> None:
    with service.stream() as socket:
        socket.send(first)
        code, words = closed(socket)
    assert code == 1008 and told in words


def test_messages_are_bounded(map_folder: Path, describer: Describer, run_service: Any, packet: Packet) -> None:
    limits = Limits(decode=DecodeLimits(packet_bytes=1000), idle_s=0.3, read_s=0.3)
    with run_service(map_folder, describer, Settings(port=0, limits=limits)) as service:
        with service.stream() as socket:
            hello(socket)
            socket.send(bytes(1017))
            assert closed(socket)[0] == 1009
        with service.stream() as socket:
            hello(socket)
            assert closed(socket) == (1008, "expected frames, and answers to be read, in time; found neither")
        with service.stream() as socket:
            assert closed(socket)[0] == 1008


def test_streams_of_a_client_are_bounded(map_folder: Path, describer: Describer, run_service: Any) -> None:
    with run_service(map_folder, describer, Settings(port=0, limits=Limits(streams=2))) as service:
        with service.stream() as one, service.stream() as two:
            hello(one), hello(two)
            with pytest.raises(InvalidStatus) as refused, service.stream():
                pass
            assert refused.value.response.status_code == 429 and b"at most 2 streams" in refused.value.response.body
        for _ in range(100):
            if not service.app.state.service.streams:
                break
            time.sleep(0.02)
        with service.stream() as again:
            hello(again)


def test_a_fast_sender_waits_in_its_own_socket(
    map_folder: Path, describer: Describer, run_service: Any, packet: Packet, make_picture: Any
) -> None:
    """20 frames a second and as many at once twice over: 60 frames take a second or more."""
    data = jpeg(make_picture(1))
    with run_service(map_folder, describer, Settings(port=0, limits=Limits(frames_per_s=20))) as service:
        with service.stream() as socket:
            hello(socket, codec="jpeg")
            started = time.monotonic()
            for number in range(60):
                socket.send(packet(number, data))
            answer = heard(socket)
            while answer["frame"] != 59:
                answer = heard(socket)
            assert time.monotonic() - started > 0.9


def test_clients_that_vanish_leave_nothing(service: Any, make_clip: MakeClip, packet: Packet, wait_until: Any) -> None:
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
        hello(socket_)
        socket_.send(packet(0, data))
        assert "fix" in heard(socket_)


def test_a_slow_reader_holds_up_nobody_and_is_dropped(
    map_folder: Path, describer: Describer, run_service: Any, packet: Packet, make_picture: Any, wait_until: Any
) -> None:
    """A client that sends and never reads, through a socket with next to no room."""
    data = jpeg(make_picture(1, (16, 16)))
    limits = Limits(send_s=0.5, frames_per_s=5000)
    with run_service(map_folder, describer, Settings(port=0, limits=limits)) as service:
        raw = socket.socket()
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.connect(("127.0.0.1", service.port))
        raw.setblocking(True)
        with service.stream(sock=raw, max_queue=1, close_timeout=0.1) as stuck:  # its library reads one ahead
            hello(stuck, codec="jpeg", k=100)

            def flood() -> None:
                try:
                    for number in range(1_000_000):
                        stuck.send(packet(number, data))
                except (ConnectionClosed, OSError):
                    return

            thread = threading.Thread(target=flood, daemon=True)
            thread.start()
            with service.stream() as other:
                hello(other, codec="jpeg")
                for number in range(10):
                    other.send(packet(number, data))
                    assert heard(other)["frame"] == number
            wait_until(lambda: not service.app.state.service.streams, 20)
            thread.join(10)
            assert not thread.is_alive()
