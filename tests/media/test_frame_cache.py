from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import pytest

from lofivpr.media.frame_cache import FrameCache


def frame(value: int, n_bytes: int = 100) -> Callable[[], np.ndarray]:
    return lambda: np.full((n_bytes,), value, np.uint8)


def test_a_frame_is_decoded_once_and_read_only() -> None:
    cache = FrameCache()
    first = cache.get("a", frame(1))
    assert cache.get("a", lambda: pytest.fail("decoded twice")) is first
    with pytest.raises(ValueError):
        first[0] = 2


def test_the_frames_asked_for_last_stay_within_the_limit() -> None:
    cache = FrameCache(max_bytes=300)
    for key in "abcabd":  # c was asked for before a and b
        cache.get(key, frame(ord(key)))
        assert cache.n_bytes <= 300
    again: list[str] = []
    for key in "abdc":
        cache.get(key, lambda key=key: again.append(key) or frame(0)())
    assert again == ["c"]


def test_a_frame_above_the_limit_is_given_but_not_kept() -> None:
    cache = FrameCache(max_bytes=50)
    assert cache.get("a", frame(7)).sum() == 700 and cache.n_bytes == 0


def test_threads_wait_for_the_one_that_decodes() -> None:
    cache, decoding, go = FrameCache(), threading.Event(), threading.Event()
    times: list[int] = []

    def slow() -> np.ndarray:
        times.append(1)
        decoding.set()
        assert go.wait(10)
        return frame(3)()

    found: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: found.append(cache.get("a", slow))) for _ in range(4)]
    for thread in threads:
        thread.start()
    assert decoding.wait(10)
    go.set()
    for thread in threads:
        thread.join(10)
    assert len(times) == 1 and len(found) == 4 and all(image is found[0] for image in found)


def test_an_error_is_raised_and_forgotten() -> None:
    cache = FrameCache()

    def broken() -> np.ndarray:
        raise OSError("no")

    with pytest.raises(OSError):
        cache.get("a", broken)
    assert cache.get("a", frame(1))[0] == 1
