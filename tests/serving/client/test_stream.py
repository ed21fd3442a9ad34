"""Streams of a real client: every frame has its outcome, whatever becomes of the connection."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lofivpr.errors import LofiError
from lofivpr.models import Describer
from lofivpr.serving import Client, Limits, Settings
from lofivpr.serving.client import Located, Missed, NoAnswerError
from lofivpr.serving.packets import DecodeLimits

See = Callable[..., np.ndarray]
Until = Callable[..., Any]


def outcomes(stream: Any) -> list[Located | Missed]:
    stream.finish()
    return list(stream)


@pytest.mark.parametrize("quality", [None, "60p/h264:qp40", "120p/h264:64kbps", "60p/vp9:crf40", "60p/webp:30"])
def test_every_frame_in_order(answering: Any, see: See, quality: str | None) -> None:
    with Client(answering.url, quality=quality) as client, client.stream(newest=False) as stream:
        numbers = [stream.submit(see(5, step), micros=1000 * step) for step in range(5)]
        answers = outcomes(stream)
    assert numbers == [0, 1, 2, 3, 4] == [one.frame for one in answers]
    for step, one in enumerate(answers):
        assert isinstance(one, Located) and one.micros == 1000 * step and one.n_bytes > 0
        assert one.fix.candidates[0].ref == "05-database.png" and one.quality == (quality or "120p/jpeg:90")


def test_video_costs_less_than_stills(answering: Any, see: See) -> None:
    """A camera that hardly moves."""
    with Client(answering.url, quality="120p/h264:qp36") as client, client.stream(newest=False) as stream:
        for _ in range(6):
            stream.submit(see(3))
        answers = outcomes(stream)
    sizes = [one.n_bytes for one in answers]  # type: ignore[union-attr]
    assert max(sizes[1:]) < sizes[0] / 3


def test_the_camera_never_waits_and_the_newest_frame_wins(link: Any, see: See, wait_until: Until) -> None:
    """While the link is down a hundred frames are handed over; the last is answered when it is up again."""
    with Client(f"http://localhost:{link.port}") as client, client.stream() as stream:
        stream.submit(see(1))
        first = wait_until(stream.take)
        assert isinstance(first[0], Located) and first[0].frame == 0
        link.cut(stay_down=True)
        submitted = threading.Event()

        def camera() -> None:
            for step in range(100):
                assert stream.submit(see(2 + step % 2)) == step + 1
                time.sleep(0.005)
            submitted.set()

        thread = threading.Thread(target=camera)
        thread.start()
        assert submitted.wait(30), "a submit waited for the link"
        thread.join()
        link.restore()
        rest = outcomes(stream)
    assert [one.frame for one in rest] == list(range(1, 101))
    assert isinstance(rest[-1], Located) and rest[-1].fix.candidates[0].ref == "03-database.png"
    missed = [one for one in rest if isinstance(one, Missed)]
    assert len(missed) >= 95 and sum(one.skipped for one in missed) >= 80
    assert all("broke" in one.reason or one.skipped for one in missed)


def test_frames_keep_their_numbers_over_broken_connections(link: Any, see: See) -> None:
    """Every frame of a clip is answered, although the connection breaks again and again."""
    with (
        Client(f"http://localhost:{link.port}", quality="60p/h264:qp40") as client,
        client.stream(newest=False) as stream,
    ):
        found: list[Any] = []
        reader = threading.Thread(target=lambda: found.extend(stream))
        reader.start()
        for number in range(12):
            assert stream.submit(see(number)) == number
            if number in (3, 4, 9):
                link.cut()
        stream.finish()
        reader.join(60)
    assert [one.frame for one in found] == list(range(12))
    assert [one.fix.candidates[0].ref for one in found] == [f"{number:02d}-database.png" for number in range(12)]
    assert link.connections >= 4


def test_a_service_that_comes_back(
    calibrated_map: Path, describer: Describer, run_service: Any, shaped_link: Any, see: See, wait_until: Until
) -> None:
    with shaped_link(9, 2e6, delay_s=0.001) as line, Client(f"http://localhost:{line.port}") as client:
        with client.stream() as stream:
            for place in (1, 2):
                with run_service(calibrated_map, describer) as service:
                    line.target = service.port
                    number = stream.submit(see(place))
                    answers = wait_until(lambda number=number: [x for x in stream.take() if x.frame == number], 30)
                    assert answers[0].fix.candidates[0].ref == f"{place:02d}-database.png"


def test_a_frame_is_asked_about_once_more(abstaining: Any, see: See) -> None:
    with Client(abstaining.url, probability=0.5) as client, client.stream(newest=False) as stream:
        for step in range(3):
            stream.submit(see(4, step))
        answers = outcomes(stream)
    for one in answers:
        assert isinstance(one, Located) and one.asked == 2 and not one.fix.answered and one.n_bytes > 1000


def test_a_stream_that_is_followed_is_not(abstaining: Any, see: See) -> None:
    """The frames after it make a fix surer."""
    with Client(abstaining.url, probability=0.5) as client:
        with client.stream(sequence=True, newest=False) as stream:
            stream.submit(see(4), micros=0)
            stream.submit(see(4, 1), micros=1_000_000)
            answers = outcomes(stream)
    assert [one.asked for one in answers] == [1, 1]  # type: ignore[union-attr]


def test_the_quality_follows_the_link(answering: Any, shaped_link: Any, see: See) -> None:
    with shaped_link(answering.port, 2e6, delay_s=0.002) as line:
        with Client(f"http://localhost:{line.port}", latency_s=4.0) as client, client.stream(newest=False) as stream:
            answers = iter(stream)

            def ask(step: int) -> str:
                stream.submit(see(2, step))
                return next(answers).quality  # type: ignore[union-attr]

            assert ask(0) == "120p/jpeg:90"
            line.set_rate(16e3)
            assert [ask(step) for step in range(1, 5)][-1] != "120p/jpeg:90"
            line.set_rate(2e6)
            assert "120p/jpeg:90" in (ask(step) for step in range(5, 30))


def test_a_frame_that_the_service_refuses(
    calibrated_map: Path, describer: Describer, run_service: Any, see: See
) -> None:
    """The next one is answered: it begins with a key frame."""
    limits = Limits(decode=DecodeLimits(pixels=6000))
    with run_service(calibrated_map, describer, Settings(port=0, limits=limits)) as service:
        with Client(service.url, quality="h264:qp40") as client, client.stream(newest=False) as stream:
            for image in (see(1), see(2)[::2, ::2].copy(), see(2)[::2, ::2].copy(), see(3), see(4)[::2, ::2].copy()):
                stream.submit(image)
            answers = outcomes(stream)
    assert [type(one) for one in answers] == [Missed, Located, Located, Missed, Located]
    assert "6000 pixels" in answers[0].reason  # type: ignore[union-attr]


def test_answers_by_a_function(answering: Any, see: See) -> None:
    found: list[Any] = []
    with Client(answering.url) as client, client.stream(newest=False, on_answer=found.append) as stream:
        stream.submit(see(1))
        stream.submit(see(2))
    assert [one.frame for one in found] == [0, 1]


def test_a_clip_gives_up_and_a_closed_stream_takes_nothing() -> None:
    image = np.zeros((16, 16, 3), np.uint8)
    with Client("http://localhost:9", patience_s=0.5) as client:
        with client.stream(newest=False) as stream:
            stream.submit(image)
            with pytest.raises(NoAnswerError, match="within 0.5 s"):
                list(stream)
            with pytest.raises(NoAnswerError):
                stream.submit(image)
        with client.stream() as camera:
            camera.submit(image)
        with pytest.raises(LofiError, match="closed|within 0.5 s"):
            camera.submit(image)


def test_what_no_stream_can_have(answering: Any, see: See) -> None:
    with Client(answering.url, quality="h264:qp40,paper") as client, client.stream() as stream:
        stream.submit(see(1))
        (answer,) = outcomes(stream)
        assert isinstance(answer, Missed) and "Choose another one" in answer.reason
