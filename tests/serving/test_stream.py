from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.maps import Fix, Map
from lofivpr.models import Describer
from lofivpr.quality.clip import EncodedClip
from lofivpr.serving import Limits, Settings

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


@pytest.mark.parametrize("codec", CODECS)
def test_each_frame_is_answered(
    codec: str,
    service: Any,
    make_clip: MakeClip,
    packet: Packet,
    map_folder: Path,
    describer: Describer,
    talk: Any,
) -> None:
    """The same places as the map itself gives for the frames of the channel's own decoder."""
    clip = make_clip(codec, seed=4)
    assert clip.packets is not None
    town = Map.open(map_folder)
    with service.stream() as socket:
        agreed = talk.hello(socket, codec=codec, k=2)
        assert agreed["hello"]["codec"] == codec and agreed["model"] == describer.digest and agreed["places"] == 16
        assert agreed["calibrated"] is False
        mean = 0.0
        for number, (data, frame) in enumerate(zip(clip.packets, clip.frames, strict=True)):
            socket.send(packet(50 + number, data))
            answer = talk.heard(socket)
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


def test_frames_of_jpeg(service: Any, packet: Packet, make_picture: Callable[..., np.ndarray], talk: Any) -> None:
    with service.stream() as socket:
        talk.hello(socket, codec="jpeg", k=1)
        for seed in (3, 9, 12):
            socket.send(packet(seed, talk.jpeg(make_picture(seed))))
            answer = talk.heard(socket)
            assert answer["fix"]["candidates"][0]["ref"] == f"{seed:02d}.png" and answer["seen"]["codec"] == "jpeg"
        socket.send(packet(13, b"no picture"))
        assert talk.heard(socket)["error"].startswith("expected a picture")
        socket.send(packet(14, talk.jpeg(make_picture(14))))
        assert talk.heard(socket)["fix"]["candidates"][0]["ref"] == "14.png"


def test_a_hello_may_change_everything_but_the_connection(
    service: Any, make_clip: MakeClip, packet: Packet, talk: Any
) -> None:
    with service.stream() as socket:
        talk.hello(socket)
        socket.send(packet(0, make_clip("h264").packets[0]))
        assert len(talk.heard(socket)["fix"]["candidates"]) == 5
        talk.hello(socket, codec="vp9", k=20, near=[52.0, 13.0], radius_m=120)
        socket.send(packet(1, make_clip("vp9").packets[0]))
        answer = talk.heard(socket)
        assert answer["seen"]["codec"] == "vp9"
        assert {one["ref"] for one in answer["fix"]["candidates"]} == {"00.png", "01.png", "02.png"}


def test_the_newest_frame_is_served_and_skipped_ones_are_reported(
    map_folder: Path,
    describer: Describer,
    run_service: Any,
    make_clip: MakeClip,
    packet: Packet,
    talk: Any,
) -> None:
    """Every frame is answered or named as skipped, in order; the last one is always answered."""
    packets = make_clip("h264", count=30).packets
    assert packets is not None
    with run_service(map_folder, Slow(describer, 0.05)) as service, service.stream() as socket:
        talk.hello(socket)
        for number, data in enumerate(packets):
            socket.send(packet(number, data))
        answered: list[int] = []
        skipped: list[int] = []
        while not answered or answered[-1] != 29:
            answer = talk.heard(socket)
            answered.append(answer["frame"])
            skipped += answer["skipped"]
        assert sorted(answered + skipped) == list(range(30))
        assert answered == sorted(answered) and 2 <= len(answered) <= 20
        assert service.metric("lofivpr_skipped_frames_total") == len(skipped)


def test_clients_share_alike_and_are_described_together(
    map_folder: Path,
    describer: Describer,
    run_service: Any,
    make_clip: MakeClip,
    packet: Packet,
    talk: Any,
) -> None:
    """One client floods, four send a frame after each answer; nobody gets more than a turn."""
    slow = Slow(describer, 0.01)
    counts = [0] * 5
    data = make_clip("h264", count=1).packets[0]  # type: ignore[index]
    stop = threading.Event()

    def polite(service: Any, which: int) -> None:
        with service.stream() as socket:
            talk.hello(socket)
            while not stop.is_set():
                socket.send(packet(counts[which], data))
                talk.heard(socket)
                counts[which] += 1

    def greedy(service: Any) -> None:
        with service.stream(close_timeout=0.1) as socket:
            talk.hello(socket)

            def flood() -> None:
                number = 0
                while not stop.is_set():
                    socket.send(packet(number, data))
                    number += 1
                    time.sleep(0.002)

            flooding = threading.Thread(target=flood)
            flooding.start()
            while not stop.is_set():
                talk.heard(socket)
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
    assert max(slow.batches) >= 2, "described together"


def test_a_stream_that_is_followed(service: Any, make_picture: Any, packet: Packet, talk: Any) -> None:
    """Frames of place 6, then of place 7 beside it: the track gives a probability, which single frames have not."""
    with service.stream() as socket:
        talk.hello(socket, codec="jpeg", k=2, sequence=True)
        for number, seed in enumerate([6, 6, 6, 7, 7]):
            socket.send(packet(number * 20, talk.jpeg(make_picture(seed))))
            answer = talk.heard(socket)
            assert answer["fix"]["probability"] is not None and len(answer["fix"]["candidates"]) == 2
        assert answer["fix"]["answered"] and answer["fix"]["candidates"][0]["ref"] == "07.png"
        assert answer["fix"]["lat"] == pytest.approx(52.0 + 7 * 50 / 111_320, abs=30 / 111_320)
        socket.send(packet(1, talk.jpeg(make_picture(7))))
        assert talk.heard(socket)["fix"]["answered"], "a clock that goes back does no harm"
