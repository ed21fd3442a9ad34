from __future__ import annotations

import random

from lofivpr.serving.client.backoff import FIRST_S, MOST_S, Backoff


def test_waits_double_up_to_the_most_and_begin_again() -> None:
    backoff = Backoff(random.Random(0))
    whole = FIRST_S
    for _ in range(12):
        assert whole / 2 <= backoff.wait_s() <= whole
        whole = min(2 * whole, MOST_S)
    backoff.reset()
    assert backoff.wait_s() <= FIRST_S


def test_clients_spread_out() -> None:
    assert len({Backoff(random.Random(seed)).wait_s() for seed in range(20)}) == 20
