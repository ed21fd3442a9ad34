"""What a client has learnt of link, curve and pictures, and what it sends next."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lofivpr.errors import LofiError
from lofivpr.serving.client.choose import Step, better, choose, for_size
from lofivpr.serving.client.goal import Goal
from lofivpr.serving.client.link import Exchange, Link
from lofivpr.serving.client.video import GOP

VIDEO_SHARE = 0.5
"""Bytes of a frame of video to those of a still, before any has been sent."""
_FIRST_ANSWER = 900  # bytes, of an answer with one place


class BudgetError(LofiError):
    """A picture that takes more bytes than it may, at every quality."""


@dataclass(frozen=True)
class Spent:
    """What a picture has cost so far."""

    n_bytes: int = 0
    seconds: float = 0.0


class Pilot:
    """Chooses a quality for each picture, and learns from each exchange; safe in threads.

    The curve's bytes are those of the pictures that the map was calibrated with; those of this client's are learnt,
    by codec, and for frames of video apart from stills, from the last ones: so many that a key frame is among them.
    """

    def __init__(self, goal: Goal, fixed: Step | None = None) -> None:
        """`fixed`: the one quality that is ever sent, whatever the link."""
        self.goal, self._fixed = goal, fixed
        self._lock = threading.Lock()
        self._steps: tuple[Step, ...] = ()
        self._link: Link | None = None
        self._answer_bytes = float(_FIRST_ANSWER)
        self._sizes: dict[tuple[str | None, bool], deque[tuple[int, float]]] = {}

    @property
    def link(self) -> Link | None:
        """What is known of the link; None before the first contact."""
        return self._link

    @property
    def is_fixed(self) -> bool:
        """Is there nothing to choose?"""
        return self._fixed is not None

    def begin(self, steps: Sequence[Step], link: Link) -> None:
        """Take over the curve of a service and a measurement of the link to it."""
        with self._lock:
            self._steps = tuple(steps) if self._fixed is None else (self._fixed,)
            self._link = link

    def steps(self, size: tuple[int, int], video: bool = False) -> list[Step]:
        """What can be sent of a picture of `size` (width, height), with the bytes that it is expected to take.

        `video`: as a frame of a stream, in which a video codec codes differences; only presets without delay.
        """
        with self._lock:
            found = for_size(self._steps, size)
            if video:
                found = [step for step in found if step.quality.preset == "default"]
            else:
                found = [step for step in found if step.quality.mode != "kbps"]
            return [replace(step, ratio=self._ratio(step, video)) for step in found]

    def _ratio(self, step: Step, video: bool) -> float:
        as_video = video and step.quality.is_video
        seen = self._sizes.get((step.quality.codec, as_video))
        if not seen:
            return VIDEO_SHARE if as_video else 1.0
        return sum(n for n, _ in seen) / sum(expected for _, expected in seen)

    def first(self, size: tuple[int, int], video: bool = False) -> Step:
        """The quality for a picture of `size`.

        Raises:
            BudgetError: the byte budget is below what any quality takes.
        """
        steps = self.steps(size, video)
        soft, hard = self.limits(Spent())
        step = choose(steps, self.goal.probability, soft, hard)
        if step is None:
            raise self.too_dear(min((step.n_bytes for step in steps), default=None))
        return step

    def cheaper(self, size: tuple[int, int], than: Step) -> Step | None:
        """The next quality down for a picture that took more bytes than it may; None at the end."""
        below = [step for step in self.steps(size) if step.listed < than.listed]
        return max(below, key=lambda step: step.listed, default=None)

    def better(self, size: tuple[int, int], than: Step, spent: Spent) -> Step | None:
        """The quality for a second question about a picture; None where the limits leave none that is surer."""
        return better(self.steps(size), than, min(self.limits(spent)))

    def limits(self, spent: Spent) -> tuple[float, float]:
        """Bytes that may still be sent of a picture: by the latency, and by the budget."""
        soft = hard = float("inf")
        if self.goal.budget_bytes is not None:
            hard = float(self.goal.budget_bytes - spent.n_bytes)
        if self.goal.latency_s is not None and self._link is not None:
            soft = self._link.most_bytes(self.goal.latency_s - spent.seconds, self._answer_bytes)
        return soft, hard

    def holds(self, step: Step) -> bool:
        """Are frames of a stream at this quality still within the limits?"""
        with self._lock:
            ratio = self._ratio(step, True)
        return step.listed * ratio <= min(self.limits(Spent()))

    def learn_size(self, step: Step, n_bytes: int, video: bool = False) -> None:
        """Of the bytes that a picture took at a quality."""
        key = step.quality.codec, video and step.quality.is_video
        with self._lock:
            self._sizes.setdefault(key, deque(maxlen=GOP)).append((n_bytes, step.listed))

    def learn_exchange(self, exchange: Exchange) -> None:
        """Of how long a query took."""
        with self._lock:
            if self._link is not None:
                self._link = self._link.after(exchange)
            self._answer_bytes += (exchange.down_bytes - self._answer_bytes) / 4

    def too_dear(self, least: float | None) -> BudgetError:
        """What is told where nothing may be sent."""
        if least is None:
            return BudgetError("expected a quality that can be sent as it is wanted, found none. Choose another one.")
        return BudgetError(
            f"expected a budget in which a picture fits, found {self.goal.budget_bytes} bytes where the cheapest "
            f"quality takes about {least:.0f}. Allow more bytes, or calibrate the map at cheaper qualities."
        )
