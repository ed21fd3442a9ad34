from __future__ import annotations

import threading

from lofivpr.serving.client.mailbox import Mailbox


def test_the_newest_pushes_out_the_oldest() -> None:
    box: Mailbox[int] = Mailbox(2)
    assert [box.put(number) for number in range(4)] == [None, None, 0, 1]
    assert [box.get(wait=False) for _ in range(3)] == [2, 3, None]


def test_what_is_in_a_closed_box_is_still_given() -> None:
    box: Mailbox[int] = Mailbox(2)
    box.put(1)
    box.close()
    assert box.put(2) == 2 and box.put(3, wait=True) == 3
    assert box.get() == 1 and box.get() is None


def test_whoever_waits_loses_nothing() -> None:
    box: Mailbox[int] = Mailbox(1)
    found: list[int] = []

    def taker() -> None:
        while (item := box.get()) is not None:
            found.append(item)

    thread = threading.Thread(target=taker)
    thread.start()
    assert [box.put(number, wait=True) for number in range(500)] == [None] * 500
    box.close()
    thread.join(10)
    assert found == list(range(500))
