"""Workers on the nodes of a Ray cluster, and the blocks that they have."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lofivpr.descriptors.cluster_worker import Order, Worker
from lofivpr.descriptors.segment import Block
from lofivpr.errors import LofiError

AHEAD = 2
"""Blocks that a worker has at a time: it prepares one while it describes the other."""
DEATHS = 5
"""Workers that may die over one block, or over loading the model, before the cause is sought there."""
LOOK_S = 5.0
"""How often nodes that came since are looked for."""
PATIENCE_S = 600.0
"""How long no worker may be there."""

Seat = tuple[str, int]
"""A node and a number on it: 0, or that of one of its GPUs."""


@dataclass(eq=False)
class _Hired:
    """A worker on a node. `under_way`: the block of each result to come; None stands for loading the model."""

    actor: Any
    under_way: dict[Any, int | None] = field(default_factory=dict)
    ready: bool = False

    @property
    def busy(self) -> bool:
        return self.ready and bool(self.under_way)


class Crew:
    """One worker on each node, or for each GPU; nodes may come and go.

    Plain actors: what is retried is a block of the store, and the blocks of a lost worker go to those that are left at
    once. Ray Data would cut and retry by bundles of its own, and wait for the lost worker's replacement.
    """

    def __init__(self, ray: Any, order: Order, model: Mapping[str, bytes]) -> None:
        self._ray, self._order, self._on_gpu = ray, order, order.runtime == "gpu"
        self._model = ray.put(dict(model))
        self._hired: dict[Seat, _Hired] = {}
        self._deaths: Counter[int | None] = Counter()
        self._looked = self._served = time.monotonic()
        self._waiting: deque[int] = deque()

    def blocks(self, rows_of: Mapping[int, range], images: Sequence[str]) -> Iterator[tuple[int, Block]]:
        """Yield blocks, given by number and rows of `images`, as they are done.

        A worker has two blocks at most, and gets another when one was taken here: that is all that is in memory.

        Raises:
            LofiError: a picture cannot be used, a node lacks something, no worker survives, or none is left.
        """
        self._waiting.extend(rows_of)
        try:
            self._hire()
            while self._waiting or any(hired.busy for hired in self._hired.values()):
                self._hand_out(rows_of, images)
                yield from self._take()
                self._look()
        finally:
            for seat in list(self._hired):
                self._dismiss(seat)

    def _look(self) -> None:
        now = time.monotonic()
        if any(hired.ready for hired in self._hired.values()):
            self._served = now
        if now - self._served > PATIENCE_S:
            wanted = "GPUs" if self._on_gpu else "CPUs"
            raise LofiError(
                f"expected a worker on the cluster, found none for {PATIENCE_S / 60:g} minutes: no node, or none whose "
                f"{wanted} are free. Look at `ray status`, and run the command again: it goes on where it stopped."
            )
        if now - self._looked > LOOK_S:
            self._hire()
            self._looked = now

    def _hire(self) -> None:
        """A worker for every seat that has none."""
        remote = self._ray.remote(Worker)
        by_node = self._ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        for seat, cpus in self._seats().items():
            if seat in self._hired:
                continue
            options = {
                "num_cpus": cpus,
                "num_gpus": int(self._on_gpu),
                "max_concurrency": AHEAD,
                "scheduling_strategy": by_node(node_id=seat[0], soft=False),
            }
            actor = remote.options(**options).remote(self._order, self._model, max(cpus, 1))
            self._hired[seat] = _Hired(actor, {actor.ready.remote(): None})

    def _seats(self) -> dict[Seat, int]:
        """Where a worker may be, and the CPUs that are its."""
        seats: dict[Seat, int] = {}
        for node in self._ray.nodes():
            cpus, gpus = (int(node["Resources"].get(kind, 0)) for kind in ("CPU", "GPU"))
            count = gpus if self._on_gpu else min(cpus, 1)
            if node["Alive"]:
                seats |= {(node["NodeID"], number): cpus // count for number in range(count)}
        return seats

    def _hand_out(self, rows_of: Mapping[int, range], images: Sequence[str]) -> None:
        for hired in self._hired.values():
            while hired.ready and self._waiting and self._has_room(hired, self._waiting[0]):
                number = self._waiting.popleft()
                named = tuple(images[row] for row in rows_of[number])
                hired.under_way[hired.actor.block.remote(named)] = number

    def _has_room(self, hired: _Hired, number: int) -> bool:
        """A block over which a worker died has its next one for itself: none is blamed for another."""
        suspected = any(self._deaths[one] for one in (number, *hired.under_way.values()))
        return len(hired.under_way) < (1 if suspected else AHEAD)

    def _take(self) -> Iterator[tuple[int, Block]]:
        """What is done; waits for the first of it."""
        seat_of = {result: seat for seat, hired in self._hired.items() for result in hired.under_way}
        if not seat_of:
            time.sleep(LOOK_S)
            return
        done, _ = self._ray.wait(list(seat_of), timeout=LOOK_S)
        for result in done:
            try:
                found = self._ray.get(result)
            except self._ray.exceptions.RayTaskError as error:
                raise (error.cause if isinstance(error.cause, LofiError) else error) from None
            except self._ray.exceptions.RayError as error:  # it, its node or what it sent is gone
                self._lost(seat_of[result], error)
                continue
            hired = self._hired[seat_of[result]]
            number = hired.under_way.pop(result)
            hired.ready = True
            self._deaths.pop(number, None)
            if number is not None:
                yield number, found

    def _lost(self, seat: Seat, error: Exception) -> None:
        """Give the blocks of a worker to others."""
        for number in self._dismiss(seat):
            self._deaths[number] += 1
            if number is not None:
                self._waiting.appendleft(number)
            if self._deaths[number] >= DEATHS:
                what = "loading the model" if number is None else f"block {number}"
                raise LofiError(
                    f"expected {what} to leave its worker alive, found {DEATHS} dead over it; the last: "
                    f"{_first_line(error)}. Look for too little memory, or for a node without lofivpr."
                )

    def _dismiss(self, seat: Seat) -> list[int | None]:
        """End a worker; the blocks that it had."""
        hired = self._hired.pop(seat)
        self._ray.kill(hired.actor)
        return list(hired.under_way.values())


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
