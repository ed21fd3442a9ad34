"""`localize`: every picture of a source to its answer."""

from __future__ import annotations

import statistics
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field

from lofivpr.media import BadImageError
from lofivpr.quality.degrade_clip import is_clip
from lofivpr.serving.client.client import Client
from lofivpr.serving.client.located import Located, Missed
from lofivpr.serving.client.source import Frame, camera_frames, clip_frames, is_camera, pictures_of
from lofivpr.serving.client.stream import Stream

Named = tuple[str, Located | Missed]


@dataclass
class Summary:
    """What a run came to."""

    fixes: int = 0
    abstained: int = 0
    missed: int = 0
    n_bytes: int = 0
    seconds: list[float] = field(default_factory=list)

    def add(self, answer: Located | Missed) -> None:
        """Count one answer."""
        if isinstance(answer, Missed):
            self.missed += 1
            return
        self.fixes += answer.fix.answered
        self.abstained += not answer.fix.answered
        self.n_bytes += answer.n_bytes
        self.seconds.append(answer.seconds)

    @property
    def bytes_per_fix(self) -> float | None:
        """All bytes that were sent, those for pictures without a fix among them; None without a fix."""
        return self.n_bytes / self.fixes if self.fixes else None

    @property
    def median_s(self) -> float | None:
        """Median seconds from a picture to its answer; None without answers."""
        return statistics.median(self.seconds) if self.seconds else None


def localize(
    client: Client, source: str, *, fps: float = 2.0, done: Container[str] = (), skip_bad: bool = False
) -> Iterator[Named]:
    """Name and answer of every picture of a source, as they come.

    Args:
        source: a picture, a folder of pictures, a clip, or a camera such as `camera:0`.
        fps: frames a second of a clip. Of a camera the newest frame is sent whenever the last one was answered.
        done: names that are left out, of an earlier run.
        skip_bad: a picture that cannot be read is missed, instead of ending the run.

    Raises:
        LofiError: the source cannot be read, or see `Client.locate`.
    """
    if is_camera(source):
        return _live(client, camera_frames(source))
    if is_clip(source):
        return _in_order(client, clip_frames(source, fps, done), fps)
    return _one_by_one(client, [one for one in pictures_of(source) if one[0] not in done], skip_bad)


def _one_by_one(client: Client, pictures: Iterable[tuple[str, str]], skip_bad: bool) -> Iterator[Named]:
    for number, (name, ref) in enumerate(pictures):
        try:
            yield name, client.locate(ref)
        except BadImageError as error:
            if not skip_bad:
                raise
            yield name, Missed(number, 0, str(error))


def _in_order(client: Client, frames: Iterable[Frame], fps: float) -> Iterator[Named]:
    """Every frame of a clip."""
    with client.stream(fps=fps, newest=False) as stream:
        yield from _streamed(stream, frames)


def _live(client: Client, frames: Iterable[Frame]) -> Iterator[Named]:
    """What a camera sees; frames that gave way to newer ones are not told."""
    with client.stream() as stream:
        for name, answer in _streamed(stream, frames):
            if not (isinstance(answer, Missed) and answer.skipped):
                yield name, answer


def _streamed(stream: Stream, frames: Iterable[Frame]) -> Iterator[Named]:
    names: dict[int, str] = {}
    for frame in frames:
        names[stream.submit(frame.image, frame.micros)] = frame.name
        yield from _named(names, stream.take())
    stream.finish()
    yield from _named(names, stream)


def _named(names: dict[int, str], answers: Iterable[Located | Missed]) -> Iterator[Named]:
    for answer in answers:
        assert answer.frame is not None
        yield names.pop(answer.frame), answer
