"""Decoded frames that are wanted again soon, as the views of one 360-degree frame are; bounded in bytes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future

import numpy as np

MAX_BYTES = 256 * 2**20  # five frames of 5760 x 2880


class FrameCache:
    """The frames that were asked for last; threads that want the same one wait for the first of them."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._frames: OrderedDict[Hashable, Future[np.ndarray]] = OrderedDict()

    def get(self, key: Hashable, decode: Callable[[], np.ndarray]) -> np.ndarray:
        """The frame of this key, read-only; decoded unless it is kept. What `decode` raises is not kept."""
        with self._lock:
            known = self._frames.get(key)
            frame = self._frames.setdefault(key, Future())
            self._frames.move_to_end(key)
        if known is not None:
            return known.result()
        try:
            image = decode()
        except BaseException as error:
            with self._lock:
                self._frames.pop(key, None)
            frame.set_exception(error)
            raise
        image.setflags(write=False)
        frame.set_result(image)
        self._shrink()
        return image

    @property
    def n_bytes(self) -> int:
        """Bytes of the frames that are kept."""
        with self._lock:
            return self._size()

    def _size(self) -> int:
        return sum(frame.result().nbytes for frame in self._frames.values() if _is_there(frame))

    def _shrink(self) -> None:
        with self._lock:
            while self._size() > self.max_bytes:
                self._frames.pop(next(key for key, frame in self._frames.items() if _is_there(frame)))


def _is_there(frame: Future[np.ndarray]) -> bool:
    """Whether a frame is decoded: others are under way, and count once they are."""
    return frame.done() and frame.exception() is None
