"""`Client`: asks a localization service where pictures were taken, at the quality that fits link and limits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from pydantic import ValidationError

from lofivpr.errors import LofiError
from lofivpr.media import ImageRef, decode_image, open_image
from lofivpr.media.open import read_bytes
from lofivpr.quality import Quality
from lofivpr.serving.client.address import Address
from lofivpr.serving.client.asker import Asker
from lofivpr.serving.client.choose import Step
from lofivpr.serving.client.goal import Goal
from lofivpr.serving.client.http import Http
from lofivpr.serving.client.link import Link
from lofivpr.serving.client.located import Located, Missed
from lofivpr.serving.client.pilot import Pilot
from lofivpr.serving.client.stream import Stream
from lofivpr.serving.wire import Where, WireError, first_fault

Picture = str | Path | ImageRef | np.ndarray


class Client:
    """A localization service, as a robot or a phone asks it; needs neither torch nor the extra `serve`.

        with lv.Client("http://127.0.0.1:8000", latency_s=0.5) as client:
            located = client.locate("query.jpg")

    Before the first question it measures the link and reads the map's rate-recall curve. For each picture it then
    sends the fewest bytes for the wanted probability of a right answer, within the limits; where the service
    abstains it asks once more at a better quality, if the limits leave one. Any number of threads may ask.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        ca: str | Path | None = None,
        insecure: bool = False,
        probability: float = 0.9,
        latency_s: float | None = None,
        budget_bytes: int | None = None,
        quality: Quality | str | None = None,
        patience_s: float = 30.0,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url, key, ca, insecure: see `Address`.
            probability, latency_s, budget_bytes: see `Goal`.
            quality: always send this one; then there is nothing to choose, and nothing is asked twice.
            patience_s: seconds after which a service that does not answer is given up.

        Raises:
            LofiError: one of these cannot be.
        """
        address = Address(url, key, None if ca is None else Path(ca), insecure)
        goal, fixed = Goal(probability, latency_s, budget_bytes), _fixed(quality)
        if fixed is not None and (latency_s, budget_bytes) != (None, None):
            raise LofiError(
                f"expected a latency or a budget to choose a quality by, or the quality {quality} alone, found both."
            )
        if not patience_s > 0:
            raise LofiError(f"expected seconds of patience above 0, found {patience_s}.")
        self._asker = Asker(Http(address, patience_s), Pilot(goal, fixed))

    def about(self) -> dict[str, Any]:
        """What the service says of its map, model, calibration and limits (`GET /v1/map`).

        Raises:
            LofiError: it cannot be reached, or refuses.
        """
        return self._asker.about()

    @property
    def link(self) -> Link | None:
        """What is known of the link; None before the service was asked anything."""
        return self._asker.pilot.link

    def locate(
        self,
        picture: Picture,
        *,
        near: tuple[float, float] | None = None,
        radius_m: float | None = None,
        heading: float | None = None,
    ) -> Located:
        """Where a picture was taken; waits for the answer.

        Args:
            picture: a path or reference, or uint8 H x W x 3 RGB. A file that has fewer bytes than would be sent is
                sent as it is.
            near, radius_m: only places within so many metres of a point, degrees of latitude and longitude.
            heading: only places that look that way, degrees clockwise from north.

        Raises:
            LofiError: a picture that cannot be read, a budget that it does not fit in, or a service that is not
                reached within the patience, or refuses.
        """
        where = _where(near, radius_m, heading)
        if isinstance(picture, np.ndarray):
            return self._asker.locate(picture, where)
        ref = picture if isinstance(picture, ImageRef) else ImageRef.parse(str(picture))
        if ref.fragment:
            return self._asker.locate(open_image(ref), where)
        file = read_bytes(ref.path)
        return self._asker.locate(decode_image(file, ref.path), where, file)

    def stream(
        self,
        *,
        near: tuple[float, float] | None = None,
        radius_m: float | None = None,
        heading: float | None = None,
        sequence: bool = False,
        fps: float = 10.0,
        newest: bool = True,
        on_answer: Callable[[Located | Missed], None] | None = None,
    ) -> Stream:
        """A camera's frames to their answers, over one connection that is opened again whenever it breaks.

        Args:
            near, radius_m, heading: see `locate`.
            sequence: the service follows the camera: each fix is made surer by those before it.
            fps: of the camera; what a bit rate is held by.
            newest: `submit` never waits, and a frame that has not been begun gives way to a newer one. False: every
                frame is sent, in order, and `submit` waits for its turn.
            on_answer: called with each answer, in the stream's thread; without it they are iterated over.

        Raises:
            LofiError: a place or a heading that cannot be.
        """
        return Stream(self._asker, _where(near, radius_m, heading), sequence, fps, newest, on_answer)

    def close(self) -> None:
        """Close the connections of `locate`; streams are closed by themselves, before."""
        self._asker.http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()


def _where(near: tuple[float, float] | None, radius_m: float | None, heading: float | None) -> Where:
    try:
        return Where(near=near, radius_m=radius_m, heading=heading)
    except ValidationError as error:
        raise WireError(f"{first_fault(error)}.") from None


def _fixed(quality: Quality | str | None) -> Step | None:
    """The only step of a client that does not choose."""
    if quality is None:
        return None
    one = Quality.parse(quality) if isinstance(quality, str) else quality
    if one.codec is None:
        raise LofiError(f"expected a quality with a codec, such as 240p/jpeg:20, found {one}: it has no bytes to send.")
    return Step(one, 1000.0, None)
