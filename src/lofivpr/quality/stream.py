"""Pictures as they arrive in streams: frames of clips, views of 360-degree clips, pictures of a sequence.

A quality with a frame rate (`240p/h265:qp42@10fps`) sends what a camera would: every frame that the rate keeps goes
through one encoder, so that a picture is coded as the stream has it, and its cost is that of the stream.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import tee
from pathlib import Path

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.media import BadImageError, ImageRef, open_image, read_frames, survey_clip
from lofivpr.media.open import resolve, views_of
from lofivpr.quality.clip import SentFrame, kept_of_clip, send_frames
from lofivpr.quality.grammar import QualityError
from lofivpr.quality.quality import Quality


@dataclass(frozen=True)
class Arrived:
    """A picture after the stream that it was sent in.

    `row`: its number among the pictures that were asked for. `image`: uint8 H' x W' x 3 RGB. `n_bytes`: of its own
    frame. `sent_bytes`, `sent_frames`: of all frames since the picture before it in its stream, its own included, so
    that their sums are those of the stream. `bad`: why there is no picture (a file that cannot be read).
    """

    row: int
    image: np.ndarray | None
    n_bytes: int = -1
    sent_bytes: int = -1
    sent_frames: int = -1
    bad: LofiError | None = None


@dataclass
class _Meter:
    """What a stream sent since it was last read."""

    n_bytes: int = 0
    frames: int = 0

    def count(self, sent: SentFrame) -> None:
        self.n_bytes += len(sent.data or b"")
        self.frames += 1

    def arrived(self, row: int, sent: SentFrame) -> Arrived:
        found = Arrived(row, sent.image, len(sent.data or b""), self.n_bytes, self.frames)
        self.n_bytes = self.frames = 0
        return found


class Footage(ABC):
    """What is recorded in one go, and which of the pictures that were asked for are its frames."""

    rows: list[int]

    @property
    @abstractmethod
    def key(self) -> tuple[str, ...]:
        """What decides the streams besides the quality and the contents of files."""

    @property
    @abstractmethod
    def length(self) -> int:
        """Frames of the recording up to the last picture that was asked for."""

    @abstractmethod
    def send(self, quality: Quality, root: str | Path, skip_bad: bool = False) -> Iterator[Arrived]:
        """Every picture of `rows`, in the order of their frames. Only what encoders look ahead is held.

        Args:
            skip_bad: leave files that cannot be read out of the stream, and tell them in `Arrived.bad`.

        Raises:
            QualityError: the quality's frame rate is above the clip's, or does not keep a frame that was asked for.
            BadImageError: a clip that cannot be read.
        """


@dataclass
class ClipFootage(Footage):
    """A clip, decoded once for all its views, each a stream of its own.

    `views`: what is seen (a reference without its frame) -> number of a frame -> row.
    """

    path: str
    rows: list[int] = field(default_factory=list)
    views: dict[ImageRef, dict[int, int]] = field(default_factory=dict)

    def add(self, ref: ImageRef, row: int) -> None:
        """Ask for one frame."""
        assert ref.frame is not None
        self.rows.append(row)
        self.views.setdefault(replace(ref, frame=None), {})[ref.frame] = row

    @property
    def key(self) -> tuple[str, ...]:
        return (self.path,)

    @property
    def length(self) -> int:
        return 1 + max(frame for frames in self.views.values() for frame in frames)

    def send(self, quality: Quality, root: str | Path, skip_bad: bool = False) -> Iterator[Arrived]:
        path = resolve(ImageRef(self.path), root).path
        kept = self._kept(quality, path)
        views = [resolve(view, root) for view in self.views]
        # Cut and shrunk before they wait for encoders that look ahead: a whole panorama is large.
        small = ([quality.resize(view) for view in views_of(frame, views)] for frame in read_frames(path, kept))
        sized = replace(quality, width=None, height=None)
        streams = [
            send_frames(sized, _nth(feed, number), quality.fps or 0.0)
            for number, feed in enumerate(tee(small, len(views)))
        ]
        meters = [_Meter() for _ in views]
        for frame, *sent in zip(kept, *streams, strict=True):
            for meter, one, asked in zip(meters, sent, self.views.values(), strict=True):
                meter.count(one)
                if frame in asked:
                    yield meter.arrived(asked[frame], one)

    def _kept(self, quality: Quality, path: str) -> list[int]:
        """Numbers of the frames that are sent, up to the last one that was asked for."""
        survey = survey_clip(path)
        asked = {frame for frames in self.views.values() for frame in frames}
        if max(asked) >= len(survey.seconds):
            raise BadImageError(
                f"expected frame {max(asked)} in {path}, found {len(survey.seconds)} frames. Make the table anew."
            )
        kept = [number for number in kept_of_clip(quality, survey) if number <= max(asked)]
        lost = sorted(asked - set(kept))
        if lost:
            raise QualityError(
                f"expected every picture among the frames that {quality} sends, found frame {lost[0]} of {path} and "
                f"{len(lost) - 1} others left out. Choose a rate that is a multiple of the pictures' own."
            )
        return kept


@dataclass
class PictureFootage(Footage):
    """Pictures of a sequence, which are the frames of a stream: the quality's rate says how many a second.

    `images`: all of them, in order. `wanted`: of those that were asked for, the row.
    """

    images: tuple[str, ...]
    rows: list[int] = field(default_factory=list)
    wanted: dict[str, int] = field(default_factory=dict)

    def add(self, image: str, row: int) -> None:
        """Ask for one picture."""
        self.rows.append(row)
        self.wanted[image] = row

    @property
    def key(self) -> tuple[str, ...]:
        return self.images

    @property
    def length(self) -> int:
        return len(self._needed())

    def send(self, quality: Quality, root: str | Path, skip_bad: bool = False) -> Iterator[Arrived]:
        passed: list[str] = []
        bad: list[Arrived] = []

        def frames() -> Iterator[np.ndarray]:
            for image in self._needed():
                try:
                    picture = open_image(image, root)
                except BadImageError as error:
                    if not skip_bad:
                        raise
                    if image in self.wanted:
                        bad.append(Arrived(self.wanted[image], None, bad=error))
                    continue
                passed.append(image)
                yield quality.resize(picture)

        meter = _Meter()
        sized = replace(quality, width=None, height=None)
        for sent in send_frames(sized, frames(), quality.fps or 0.0):
            meter.count(sent)
            if passed[sent.number] in self.wanted:
                yield meter.arrived(self.wanted[passed[sent.number]], sent)
        yield from bad

    def _needed(self) -> tuple[str, ...]:
        """The pictures up to the last one that was asked for."""
        last = max(number for number, image in enumerate(self.images) if image in self.wanted)
        return self.images[: last + 1]


def footage_of(images: Sequence[str], sequences: Iterable[Sequence[str]] = ()) -> list[Footage]:
    """Whose frames pictures are.

    Args:
        images: references, each once; those with a frame are of their clip.
        sequences: of pictures that are files, each sequence whole and in order.

    Raises:
        QualityError: a picture that is of no clip and no sequence.
    """
    members = list(sequences)
    home = {image: number for number, run in enumerate(members) for image in run}
    clips: dict[str, ClipFootage] = {}
    runs: dict[int, PictureFootage] = {}
    for row, image in enumerate(images):
        ref = ImageRef.parse(image)
        if ref.frame is not None:
            clips.setdefault(ref.path, ClipFootage(ref.path)).add(ref, row)
        elif image in home:
            runs.setdefault(home[image], PictureFootage(tuple(members[home[image]]))).add(image, row)
        else:
            raise QualityError(
                f"expected frames of clips, or pictures with sequence and frame, for a stream, found {image}. "
                "Fill these columns, or leave the frame rate out of the quality to send every picture by itself."
            )
    return [*clips.values(), *runs.values()]


def _nth(feed: Iterable[list[np.ndarray]], number: int) -> Iterator[np.ndarray]:
    return (views[number] for views in feed)
