"""`Stream`: a camera's frames to their answers, whatever becomes of the connection."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import Any

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.maps.fix import Fix
from lofivpr.quality import QualityError
from lofivpr.serving.client.asker import PLACES, Asker
from lofivpr.serving.client.backoff import Backoff
from lofivpr.serving.client.choose import Step
from lofivpr.serving.client.connection import Connection, FrameError, LostError
from lofivpr.serving.client.http import NoAnswerError
from lofivpr.serving.client.link import Exchange
from lofivpr.serving.client.located import Located, Missed, work_seconds
from lofivpr.serving.client.mailbox import Mailbox
from lofivpr.serving.client.pilot import BudgetError
from lofivpr.serving.client.video import GOP, FrameEncoder
from lofivpr.serving.wire import Where

_KEPT = 1000  # answers and skipped frames that wait for somebody to take them; of more, the newest
Answer = Located | Missed


@dataclass(frozen=True)
class Submitted:
    """A frame as the camera gave it; `at`: when, by `time.perf_counter`."""

    number: int
    micros: int
    image: np.ndarray
    at: float


class Stream:
    """Made by `Client.stream`. A thread of its own encodes, sends, and waits for the answer, one frame at a time.

        with client.stream() as stream:
            for image in camera:
                stream.submit(image)          # never waits
                for answer in stream.take():  # what has come since
                    ...

    One frame is on its way at a time: its latency is then that of the link, with nothing queued before it. Each frame
    has one outcome, in the order of submission: `Located`, or `Missed` with a reason. After a break the connection is
    opened again, with growing waits and for as long as it takes, and frames keep their numbers; a frame that was
    under way is sent again unless a newer one is there.
    """

    def __init__(
        self,
        asker: Asker,
        where: Where,
        sequence: bool,
        fps: float,
        newest: bool,
        on_answer: Callable[[Answer], None] | None,
    ) -> None:
        self._asker, self._pilot = asker, asker.pilot
        self._hello = {"k": PLACES, "sequence": sequence, **where.model_dump(exclude_none=True)}
        self._where, self._sequence, self._fps, self._newest = where, sequence, fps, newest
        self._on_answer = on_answer
        self._frames: Mailbox[Submitted] = Mailbox(1)
        self._answers: Mailbox[Answer] = Mailbox(_KEPT)
        self._skipped: deque[Submitted] = deque(maxlen=_KEPT)
        self._numbers = 0
        self._closing = threading.Event()
        self._failure: LofiError | None = None
        self._backoff = Backoff()
        self._connection: Connection | None = None
        self._encoder: FrameEncoder | None = None
        self._step: Step | None = None
        self._said: dict[str, Any] | None = None
        self._thread = threading.Thread(target=self._run, name="lofivpr-stream", daemon=True)
        self._thread.start()

    def submit(self, image: np.ndarray, micros: int | None = None) -> int:
        """Hand over a frame, and get the number by which its answer names it; waits only where `newest` is False.

        Args:
            image: uint8 H x W x 3 RGB; not to be written into afterwards.
            micros: when it was taken, in microseconds since any origin; now if not given.

        Raises:
            LofiError: the stream has ended; says why.
        """
        if self._failure is not None:
            raise self._failure
        if self._closing.is_set():
            raise LofiError("expected an open stream, found that it was closed. Open another by Client.stream.")
        number, self._numbers = self._numbers, self._numbers + 1
        micros = time.monotonic_ns() // 1000 if micros is None else micros
        replaced = self._frames.put(Submitted(number, micros, image, time.perf_counter()), wait=not self._newest)
        if replaced is not None:
            self._skipped.append(replaced)
        return number

    def take(self) -> list[Answer]:
        """The answers that have come since the last call, without waiting.

        Raises:
            LofiError: there is none, and the stream has ended; says why.
        """
        found = []
        while (answer := self._answers.get(wait=False)) is not None:
            found.append(answer)
        if not found and self._failure is not None:
            raise self._failure
        return found

    def __iter__(self) -> Iterator[Answer]:
        """Answers as they come, until the stream is closed and its last frame answered. Raises LofiError as `take`."""
        while (answer := self._answers.get()) is not None:
            yield answer
        if self._failure is not None:
            raise self._failure

    def finish(self) -> None:
        """Take no more frames: those that were submitted are still answered, as long as the service is reached."""
        self._closing.set()
        self._frames.close()

    def close(self) -> None:
        """`finish`, and wait until it is so; at most for the client's patience."""
        self.finish()
        self._thread.join(self._asker.http.patience_s)

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _run(self) -> None:
        """The thread."""
        try:
            while (frame := self._frames.get()) is not None:
                self._serve(frame)
            self._tell_skipped()
        except LofiError as error:
            self._failure = error
        finally:
            self._disconnect()
            self._frames.close()
            self._answers.close()

    def _serve(self, frame: Submitted) -> None:
        """One frame to its outcome. Raises LofiError: nothing can be done for any frame."""
        begun = time.monotonic()
        while True:
            try:
                answer: Answer = self._located(frame)
            except (FrameError, QualityError, BudgetError) as error:
                self._drop_encoder()  # the service wants a key frame next
                answer = Missed(frame.number, frame.micros, str(error))
            except (LostError, NoAnswerError) as error:
                self._disconnect()
                self._wait()
                if not (self._newest and len(self._frames)):
                    if self._gives_up(begun):
                        raise NoAnswerError(
                            f"expected an answer from {self._asker.http.address.base} within "
                            f"{self._asker.http.patience_s:g} s, found: {error}. Check service and link."
                        ) from error
                    continue
                answer = Missed(frame.number, frame.micros, f"the connection broke: {error}")
            self._tell_skipped(frame.number)
            self._tell(answer)
            return

    def _wait(self) -> None:
        """Before the next try; `finish` ends the wait that it falls into."""
        wait = self._backoff.wait_s()
        time.sleep(wait) if self._closing.is_set() else self._closing.wait(wait)

    def _gives_up(self, begun: float) -> bool:
        """A camera never does; a clip, and a stream that is closing, after the patience."""
        patient = self._newest and not self._closing.is_set()
        return not patient and time.monotonic() - begun > self._asker.http.patience_s

    def _located(self, frame: Submitted) -> Located:
        """Send a frame and wait for its answer. Raises LofiError."""
        connection = self._connected()
        size = (frame.image.shape[1], frame.image.shape[0])
        encoder, step = self._prepared(size)
        packet = encoder.encode(frame.image)
        self._pilot.learn_size(step, len(packet.data), video=True)
        hello = {**self._hello, "codec": step.quality.codec, "quality": str(step.quality), "size": list(encoder.size)}
        if hello != self._said:
            connection.say(hello)
            self._said = hello
        started = time.perf_counter()
        answer, n_bytes = connection.ask(frame.number, frame.micros, packet.data)
        now = time.perf_counter()
        self._backoff.reset()
        self._pilot.learn_exchange(Exchange(len(packet.data), n_bytes, now - started, work_seconds(answer)))
        fix = Fix.from_dict(answer["fix"])
        found = Located(fix, str(step.quality), len(packet.data), now - frame.at, 1, frame.number, frame.micros)
        if self._sequence or fix.answered:
            return found
        try:
            return self._asker.again(frame.image, step, found, self._where)
        except LofiError:  # there is an answer, if not a sure one
            return found

    def _connected(self) -> Connection:
        """The connection; a new one, with link and curve looked at anew, where there is none."""
        if self._connection is None:
            self._connection = Connection(self._asker.http.address, self._asker.http.patience_s)
            self._asker.meet()
        return self._connection

    def _drop_encoder(self) -> None:
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            encoder.close()

    def _disconnect(self) -> None:
        self._drop_encoder()
        self._said = None
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _prepared(self, size: tuple[int, int]) -> tuple[FrameEncoder, Step]:
        """The encoder for the next frame.

        A new quality of video costs a key frame: it is taken where one is due anyway, or when the link no longer
        carries the old one.
        """
        encoder, step = self._encoder, self._step
        if encoder is not None and step is not None and encoder.source == size:
            if step.quality.is_video and encoder.count % GOP and self._pilot.holds(step):
                return encoder, step
        wanted = self._pilot.first(size, video=True)
        if encoder is None or encoder.source != size or encoder.quality != wanted.quality:
            self._drop_encoder()
            encoder = FrameEncoder(wanted.quality, size, self._fps)
        self._encoder, self._step = encoder, wanted
        return encoder, wanted

    def _tell_skipped(self, before: int | None = None) -> None:
        """That newer frames took the place of others, of lower numbers than `before`."""
        while self._skipped and (before is None or self._skipped[0].number < before):
            old = self._skipped.popleft()
            self._tell(Missed(old.number, old.micros, "a newer frame took its place", skipped=True))

    def _tell(self, answer: Answer) -> None:
        if self._on_answer is not None:
            self._on_answer(answer)
        else:
            self._answers.put(answer)
