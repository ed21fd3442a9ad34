"""What a client wants of an answer, and what it may cost."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lofivpr.errors import LofiError


@dataclass(frozen=True)
class Goal:
    """The limits are those of one picture, a second question about it included.

    Attributes:
        probability: wanted of a right answer, 0 to 1; where none is that sure, nearly the surest that is allowed.
        latency_s: seconds from picture to answer that are held as far as the link allows; None: it may take long.
        budget_bytes: most bytes of encoded pictures; of video the mean over its frames. None: no limit.
    """

    probability: float = 0.9
    latency_s: float | None = None
    budget_bytes: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.probability <= 1:
            raise LofiError(f"expected a probability above 0 and up to 1, found {self.probability}.")
        for name, value in (("seconds of latency", self.latency_s), ("bytes as a budget", self.budget_bytes)):
            if value is not None and not (math.isfinite(value) and value > 0):
                raise LofiError(f"expected {name} above 0, found {value}. Leave it out for no limit.")
