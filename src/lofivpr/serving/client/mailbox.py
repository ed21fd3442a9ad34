"""A queue of few places between threads, in which the newest item pushes out the oldest."""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Mailbox(Generic[T]):
    """Safe in threads. Once closed it takes nothing more, and gives what is left in it."""

    def __init__(self, room: int) -> None:
        """`room`: items that it holds."""
        self._room, self._items, self._closed = room, deque[T](), False
        self._changed = threading.Condition()

    def __len__(self) -> int:
        return len(self._items)

    def put(self, item: T, wait: bool = False) -> T | None:
        """Add an item; returns the one that it pushes out, or itself where the box is closed.

        `wait`: until there is room, instead of pushing anything out.
        """
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._closed or len(self._items) < self._room)
            if self._closed:
                return item
            out = self._items.popleft() if len(self._items) >= self._room else None
            self._items.append(item)
            self._changed.notify_all()
            return out

    def get(self, wait: bool = True) -> T | None:
        """The oldest item; None where there is none: with `wait` only once the box is closed."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._closed or len(self._items) > 0)
            if not self._items:
                return None
            item = self._items.popleft()
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Take nothing more, and let nobody wait."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
