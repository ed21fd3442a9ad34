"""Token buckets: how fast one client may be, over requests, bytes and seconds of decoding."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

MOST_BUCKETS = 4096  # beyond, the one that was longest not asked is forgotten: it is full by then, or nearly


class Bucket:
    """Fills by `rate` a second up to `size`. Taking more than there is leaves a debt, to be waited out."""

    def __init__(self, rate: float, size: float, clock: Callable[[], float] = time.monotonic) -> None:
        """A full bucket."""
        self.rate, self.size, self._clock = rate, size, clock
        self._level, self._seen = size, clock()

    @property
    def level(self) -> float:
        """What is in it now; below 0 where more was taken."""
        now = self._clock()
        self._level = min(self.size, self._level + (now - self._seen) * self.rate)
        self._seen = now
        return self._level

    def take(self, amount: float) -> float:
        """Take `amount` in any case; returns the seconds to wait until the debt is paid, 0 without one."""
        self._level = self.level - amount
        return max(0.0, -self._level / self.rate)

    def try_take(self, amount: float) -> float:
        """Take `amount` if it is there and return 0; else leave it, and return the seconds until it will be."""
        missing = amount - self.level
        if missing > 0:
            return missing / self.rate
        self._level -= amount
        return 0.0


class Buckets:
    """One bucket a client, made when it first asks; bounded."""

    def __init__(self, rate: float, size: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._size, self._clock = rate, size, clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def __getitem__(self, client: str) -> Bucket:
        bucket = self._buckets.get(client)
        if bucket is None:
            bucket = self._buckets[client] = Bucket(self._rate, self._size, self._clock)
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(client)
        return bucket

    def __len__(self) -> int:
        return len(self._buckets)
