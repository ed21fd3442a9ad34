"""How long to wait before trying again."""

from __future__ import annotations

import random

FIRST_S, MOST_S = 0.25, 5.0


class Backoff:
    """Waits that double, each between half of it and the whole, so that clients of a restarted service spread out."""

    def __init__(self, rng: random.Random | None = None) -> None:
        self._rng, self._next = rng or random.Random(), FIRST_S

    def wait_s(self) -> float:
        """Seconds to wait now."""
        wait = self._next * self._rng.uniform(0.5, 1.0)
        self._next = min(2 * self._next, MOST_S)
        return wait

    def reset(self) -> None:
        """It worked: the next wait is short again."""
        self._next = FIRST_S
