from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from lofivpr.errors import LofiError
from lofivpr.serving.batching import Batcher, BusyError, Lane

Texts = Batcher[str, str]


class Gate:
    """Work that waits until it is let through; remembers every batch."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.open = threading.Semaphore(0)

    def __call__(self, asked: Sequence[str]) -> list[str | Exception]:
        assert self.open.acquire(timeout=10)
        self.batches.append(list(asked))
        return [ValueError(text) if text == "bad" else text.upper() for text in asked]


def with_batcher(test: Callable[[Texts, Gate], Awaitable[None]], most: int = 2, room: int = 256) -> Gate:
    gate = Gate()

    async def main() -> None:
        batcher: Texts = Batcher(gate, most, room)
        batcher.start()
        try:
            await asyncio.wait_for(test(batcher, gate), 10)
        finally:
            gate.open.release(1000)
            await batcher.stop()

    asyncio.run(main())
    return gate


def newest() -> Lane[str, str]:
    return Lane(newest=True)


async def until_begun(lane: Lane[str, str]) -> None:
    while not lane.busy:
        await asyncio.sleep(0.001)


def test_a_job_comes_back_as_its_own() -> None:
    async def test(batcher: Texts, gate: Gate) -> None:
        lanes = [newest() for _ in range(5)]
        gate.open.release(10)
        jobs = [batcher.offer(lane, f"frame {number}")[0] for number, lane in enumerate(lanes)]
        assert [await job.outcome for job in jobs] == [f"FRAME {number}" for number in range(5)]

    assert max(map(len, with_batcher(test).batches)) == 2


def test_the_newest_frame_is_served_and_the_others_are_told() -> None:
    async def test(batcher: Texts, gate: Gate) -> None:
        lane = newest()
        first, none = batcher.offer(lane, "0")
        await until_begun(lane)
        told = [batcher.offer(lane, str(number)) for number in (1, 2, 3)]
        skipped = [old.asked for _, olds in told for old in olds]
        gate.open.release(10)
        assert await first.outcome == "0", "what is in work is not replaced"
        assert none == [] and skipped == ["1", "2"]
        assert [job.outcome.cancelled() for job, _ in told] == [True, True, False]
        await asyncio.sleep(0.02)
        assert len(gate.batches) == 1, "the next one is begun when the answer is on its way"
        batcher.release(lane)
        assert await told[-1][0].outcome == "3"

    assert with_batcher(test).batches == [["0"], ["3"]]


def test_lanes_take_turns() -> None:
    """One that always has a frame waiting is served no more often than the others."""

    async def test(batcher: Texts, gate: Gate) -> None:
        lanes = {name: newest() for name in "abcd"}
        gate.open.release(1000)

        async def client(name: str) -> None:
            for number in range(20):
                job, _ = batcher.offer(lanes[name], f"{name}{number}")
                await job.outcome
                batcher.release(lanes[name])

        await asyncio.gather(*map(client, lanes))

    served = [text[0] for batch in with_batcher(test).batches for text in batch]
    for until in range(4, len(served) + 1):
        counts = [served[:until].count(name) for name in "abcd"]
        assert max(counts) - min(counts) <= 1, served[:until]


def test_a_client_of_many_requests_waits_behind_its_own() -> None:
    async def test(batcher: Texts, gate: Gate) -> None:
        many: Lane[str, str] = Lane(newest=False, room=3)
        jobs = [batcher.offer(many, f"m{number}")[0] for number in range(3)]
        with pytest.raises(BusyError, match="at most 3 requests"):
            batcher.offer(many, "m3")
        one = newest()
        single, _ = batcher.offer(one, "one")
        gate.open.release(10)
        assert await single.outcome == "ONE"
        for job in jobs:
            assert await job.outcome == job.asked.upper()
            batcher.release(many)

    assert with_batcher(test).batches == [["m0", "one"], ["m1"], ["m2"]]


def test_the_room_is_bounded() -> None:
    async def test(batcher: Texts, gate: Gate) -> None:
        busy = newest()
        batcher.offer(busy, "0")
        await until_begun(busy)
        lanes = [newest() for _ in range(3)]
        for lane in lanes:
            batcher.offer(lane, "x")
        assert batcher.lanes_waiting == 3
        with pytest.raises(BusyError, match="at most 3 clients"):
            batcher.offer(newest(), "y")
        batcher.offer(lanes[0], "a newer one of a client that waits")
        batcher.drop(lanes[1])
        assert batcher.lanes_waiting == 2
        batcher.offer(newest(), "y")

    with_batcher(test, most=1, room=3)


def test_a_fault_is_its_own_jobs_and_of_a_batch_everyones() -> None:
    async def test(batcher: Texts, gate: Gate) -> None:
        gate.open.release(10)
        lanes = newest(), newest()
        good, bad = (batcher.offer(lane, text)[0] for lane, text in zip(lanes, ("good", "bad"), strict=True))
        assert await good.outcome == "GOOD"
        with pytest.raises(ValueError, match="bad"):
            await bad.outcome

    with_batcher(test)

    async def broken() -> None:
        batcher: Texts = Batcher(lambda asked: [])
        batcher.start()
        for _ in range(2):  # it goes on
            with pytest.raises(RuntimeError, match="expected 1 results"):
                await batcher.offer(newest(), "x")[0].outcome
        await batcher.stop()

    asyncio.run(asyncio.wait_for(broken(), 10))


def test_a_batch_holds_no_more_than_it_may_take() -> None:
    """After one batch of 8 at 20 ms each, 50 ms leave room for 2; never less than one."""
    sizes: list[int] = []

    def work(asked: Sequence[str]) -> list[str | Exception]:
        sizes.append(len(asked))
        time.sleep(0.02 * len(asked))
        return list(asked)

    async def main(seconds: float) -> None:
        batcher: Texts = Batcher(work, 8, seconds=seconds)
        lanes = [newest() for _ in range(8)]
        jobs = [batcher.offer(lane, "x")[0] for lane in lanes]
        batcher.start()
        for _ in range(2):
            await asyncio.gather(*(job.outcome for job in jobs))
            for lane in lanes:
                batcher.release(lane)
            jobs = [batcher.offer(lane, "x")[0] for lane in lanes]
        await batcher.stop()

    asyncio.run(main(0.05))
    assert sizes[0] == 8 and set(sizes[1:4]) <= {1, 2}
    sizes.clear()
    asyncio.run(main(1e-9))
    assert sizes[0] == 8 and set(sizes[1:8]) == {1}


def test_a_client_that_is_gone_costs_nothing() -> None:
    async def test(batcher: Texts, gate: Gate) -> None:
        gone, there = newest(), newest()
        job, _ = batcher.offer(gone, "gone")
        job.outcome.cancel()
        kept, _ = batcher.offer(there, "there")
        gate.open.release(10)
        assert await kept.outcome == "THERE"
        batcher.drop(gone)

    assert with_batcher(test).batches == [["there"]]


def test_stopping_leaves_nobody_waiting() -> None:
    async def main() -> None:
        gate = Gate()
        batcher: Texts = Batcher(gate, most=1)
        batcher.start()
        lane, other = newest(), newest()
        begun, waits = batcher.offer(lane, "0")[0], batcher.offer(other, "1")[0]
        await until_begun(lane)
        gate.open.release(10)
        await batcher.stop()
        assert waits.outcome.cancelled() and begun.outcome.done()

    asyncio.run(asyncio.wait_for(main(), 10))


def test_an_idle_batcher_sleeps() -> None:
    async def main() -> float:
        batcher: Texts = Batcher(lambda asked: list(asked))
        batcher.start()
        await batcher.offer(newest(), "x")[0].outcome
        before = time.process_time()
        await asyncio.sleep(0.3)
        spent = time.process_time() - before
        await batcher.stop()
        return spent

    assert asyncio.run(main()) < 0.1


def test_sizes_are_checked() -> None:
    with pytest.raises(LofiError, match="at least one job"):
        Batcher(lambda asked: list(asked), most=0)


def test_as_many_batches_are_in_work_as_there_are_threads() -> None:
    at_once = threading.Barrier(2, timeout=10)  # broken where one batch waits for the other

    def work(asked: Sequence[str]) -> list[str | Exception]:
        at_once.wait()
        return list(asked)

    async def main() -> list[str]:
        batcher: Texts = Batcher(work, most=1, threads=2)
        batcher.start()
        try:
            jobs = [batcher.offer(newest(), text)[0] for text in "ab"]
            return await asyncio.wait_for(asyncio.gather(*(job.outcome for job in jobs)), 10)
        finally:
            await batcher.stop()

    assert asyncio.run(main()) == ["a", "b"]
