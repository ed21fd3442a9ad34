"""Asks where still pictures were taken: at the pilot's quality, and once more where the service abstains."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from lofivpr.maps.fix import Fix
from lofivpr.quality import PictureFile, Quality
from lofivpr.serving.client.choose import Step, steps_of
from lofivpr.serving.client.http import Http
from lofivpr.serving.client.link import Exchange, Link
from lofivpr.serving.client.located import Located, work_seconds
from lofivpr.serving.client.pilot import BudgetError, Pilot, Spent
from lofivpr.serving.seen import STILLS
from lofivpr.serving.wire import Where

PLACES = 1
"""Places in an answer: each more takes some 150 bytes on the way down."""


@dataclass(frozen=True)
class Sent:
    """A picture as it travels: its step, bytes, content type, and width and height."""

    step: Step
    data: bytes
    kind: str
    size: tuple[int, int]
    quality: Quality | None
    """None for a picture file that is sent as it is."""


class Asker:
    """One service, asked by HTTP. Safe in threads."""

    def __init__(self, http: Http, pilot: Pilot) -> None:
        self.http, self.pilot = http, pilot
        self._meeting = threading.Lock()
        self._about: dict[str, Any] | None = None

    def about(self) -> dict[str, Any]:
        """What the service said when it was last met; meets it if that has not happened. Raises LofiError."""
        with self._meeting:
            return self._about or self._meet()

    def meet(self) -> None:
        """Measure the link and read the curve. Raises LofiError."""
        with self._meeting:
            self._meet()

    def _meet(self) -> dict[str, Any]:
        pings = self.http.pings()
        reply = self.http.request("GET", "/v1/map")
        self.pilot.begin(steps_of(reply.body), Link.begin(pings, reply.n_bytes, reply.seconds))
        self._about = reply.body
        return reply.body

    def locate(self, image: np.ndarray, where: Where, file: bytes | None = None) -> Located:
        """The answer to a picture.

        Args:
            image: uint8 H x W x 3 RGB.
            file: the picture's own file; sent as it is where that takes fewer bytes.

        Raises:
            LofiError: see `Client.locate`.
        """
        self.about()
        started = time.perf_counter()
        sent = self._encoded(image, self.pilot.first(_size(image)), Spent())
        first = self._ask(self._or_file(sent, file), where)
        return self.again(image, sent.step, replace(first, seconds=time.perf_counter() - started), where)

    def again(self, image: np.ndarray, step: Step, first: Located, where: Where) -> Located:
        """A second question where the first answer, to a picture sent at `step`, abstains and the limits allow one."""
        spent, started = Spent(first.n_bytes, first.seconds), time.perf_counter()
        better = None if first.fix.answered else self.pilot.better(_size(image), step, spent)
        if better is None:
            return first
        try:
            sent = self._encoded(image, better, spent)
        except BudgetError:
            return first
        second = self._ask(sent, where)
        best = second if _is_surer(second.fix, first.fix) else first
        seconds = first.seconds + time.perf_counter() - started
        return replace(
            first,
            fix=best.fix,
            quality=best.quality,
            n_bytes=first.n_bytes + second.n_bytes,
            seconds=seconds,
            asked=2,
        )

    def _encoded(self, image: np.ndarray, step: Step, spent: Spent) -> Sent:
        """The picture at a quality, or at the best cheaper one whose bytes are within the budget.

        Raises:
            BudgetError: none is.
        """
        hard = self.pilot.limits(spent)[1]
        while True:
            encoded = step.quality.encode(image)
            assert encoded.data is not None
            self.pilot.learn_size(step, len(encoded.data))
            if len(encoded.data) <= hard:
                return Sent(step, encoded.data, _kind(step.quality), encoded.size, step.quality)
            cheaper = self.pilot.cheaper(_size(image), step)
            if cheaper is None:
                raise self.pilot.too_dear(len(encoded.data))
            step = cheaper

    def _or_file(self, sent: Sent, file: bytes | None) -> Sent:
        """The file itself where it has fewer bytes: coding it once more would only lose."""
        if file is None or self.pilot.is_fixed or len(file) > len(sent.data):
            return sent
        head = PictureFile.read(file, STILLS)
        return sent if head is None else replace(sent, data=file, kind=f"image/{head.codec}", quality=None)

    def _ask(self, sent: Sent, where: Where) -> Located:
        params = {"k": str(PLACES), **_params(where)}
        if sent.quality is not None:
            params["quality"] = str(sent.quality)
            params |= {"size": f"{sent.size[0]}x{sent.size[1]}"} if sent.quality.is_video else {}
        reply = self.http.request("POST", "/v1/locate", sent.data, params, sent.kind)
        self.pilot.learn_exchange(Exchange(len(sent.data), reply.n_bytes, reply.seconds, work_seconds(reply.body)))
        return Located(Fix.from_dict(reply.body["fix"]), str(sent.quality or "file"), len(sent.data), reply.seconds)


def _is_surer(one: Fix, other: Fix) -> bool:
    return (one.answered, one.probability or 0.0) >= (other.answered, other.probability or 0.0)


def _size(image: np.ndarray) -> tuple[int, int]:
    return image.shape[1], image.shape[0]


def _kind(quality: Quality) -> str:
    """Content type."""
    return f"{'video' if quality.is_video else 'image'}/{quality.codec}"


def _params(where: Where) -> dict[str, str]:
    """As `POST /v1/locate` reads them."""
    plain: dict[str, Any] = where.model_dump(exclude_none=True)
    if where.near is not None:
        plain["near"] = ",".join(f"{value:.9f}" for value in where.near)
    return {name: str(value) for name, value in plain.items()}
