"""Which workers are hired, and what is done when they die: on real nodes, and many times on pretended ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import pytest

from lofivpr.descriptors import crew as module
from lofivpr.descriptors.crew import Crew
from lofivpr.errors import LofiError
from ray_nodes import RayNodes

ORDER: Any = SimpleNamespace(runtime="onnx")


def node(name: str, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"NodeID": name, "Alive": alive, "Resources": resources}


NODES = [node("a", CPU=8.0, GPU=2.0), node("b", CPU=4.0), node("c"), node("d", alive=False, CPU=4.0, GPU=1.0)]


@pytest.mark.parametrize(
    ("runtime", "seats"), [("torch", {("a", 0): 8, ("b", 0): 4}), ("gpu", {("a", 0): 4, ("a", 1): 4})]
)
def test_a_worker_a_node_or_a_gpu(runtime: str, seats: dict[tuple[str, int], int]) -> None:
    ray, order = SimpleNamespace(put=lambda value: value, nodes=lambda: NODES), SimpleNamespace(runtime=runtime)
    assert Crew(ray, order, {})._seats() == seats  # type: ignore[arg-type]


class Gone(Exception):
    """What the pretended Ray raises for a dead worker."""


class Pretended:
    """Nodes that die and come back at random, and workers on them; a picture called bad kills its worker."""

    exceptions = SimpleNamespace(RayError=Gone, RayTaskError=ZeroDivisionError)
    util = SimpleNamespace(
        scheduling_strategies=SimpleNamespace(NodeAffinitySchedulingStrategy=lambda node_id, soft: node_id)
    )

    def __init__(self, seed: int, deaths: float) -> None:
        self.random, self.deaths = random.Random(seed), deaths
        self.up = ["a", "b", "c"]
        self.workers: list[SimpleNamespace] = []
        self.most = 0

    def put(self, value: object) -> object:
        return value

    def nodes(self) -> list[dict[str, Any]]:
        return [node(name, CPU=1.0) for name in self.up]

    def remote(self, worker: object) -> Any:
        return SimpleNamespace(options=lambda **options: SimpleNamespace(remote=lambda *_: self.hire(options)))

    def hire(self, options: dict[str, Any]) -> SimpleNamespace:
        worker = SimpleNamespace(node=options["scheduling_strategy"], dead=False)
        for name in ("ready", "block"):
            call = SimpleNamespace(remote=lambda images=(), worker=worker: Asked(worker, images))
            setattr(worker, name, call)
        self.workers.append(worker)
        return worker

    def wait(self, results: list[Asked], timeout: float) -> tuple[list[Asked], list[Asked]]:
        if self.random.random() < self.deaths:
            if len(self.up) > 1 and self.random.random() < 0.5:
                self.fell(self.random.choice(self.up))
            else:
                self.up = ["a", "b", "c"]
        for worker in self.workers:
            self.most = max(self.most, sum(one.worker is worker for one in results))
        done = self.random.choice(results)
        return [done], [one for one in results if one is not done]

    def fell(self, name: str) -> None:
        self.up.remove(name)
        for worker in self.workers:
            worker.dead |= worker.node == name

    def get(self, asked: Asked) -> tuple[str, ...]:
        asked.worker.dead |= "bad" in asked.images
        if asked.worker.dead:
            raise Gone
        return asked.images

    def kill(self, worker: SimpleNamespace) -> None:
        worker.dead = True


@dataclass(eq=False)
class Asked:
    """A result to come."""

    worker: SimpleNamespace
    images: tuple[str, ...]


ROWS = {number: range(3 * number, 3 * number + 3) for number in range(2, 40)}
IMAGES = [f"{row:03d}.jpg" for row in range(120)]


@pytest.mark.parametrize("seed", range(30))
def test_every_block_comes_once_whatever_dies(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DEATHS", 1000)
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    ray = Pretended(seed, deaths=0.3)
    crew = Crew(ray, ORDER, {})
    found = list(crew.blocks(ROWS, IMAGES))
    assert sorted(number for number, _ in found) == list(ROWS), "a block was lost, or came twice"
    assert all(list(block) == [IMAGES[row] for row in ROWS[number]] for number, block in found)
    assert ray.most == module.AHEAD and all(worker.dead for worker in ray.workers)
    assert len(ray.workers) > 3, "nothing died"
    assert not any(crew._deaths[number] for number in ROWS), "what was survived is still held against a block"


@pytest.mark.parametrize("seed", range(30))
def test_the_block_that_kills_is_blamed(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    monkeypatch.setattr(module, "DEATHS", 2)
    images = ["bad" if row == 3 * 11 + 1 else name for row, name in enumerate(IMAGES)]
    with pytest.raises(LofiError, match="expected block 11 to leave its worker alive, found 2 dead over it"):
        list(Crew(Pretended(seed, deaths=0.0), ORDER, {}).blocks(ROWS, images))


def test_nobody_there_for_too_long_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE_S", 0.2)
    monkeypatch.setattr(module, "LOOK_S", 0.05)
    scheduling = SimpleNamespace(NodeAffinitySchedulingStrategy=None)
    ray = SimpleNamespace(
        put=lambda value: value,
        nodes=lambda: [],
        remote=lambda worker: None,
        util=SimpleNamespace(scheduling_strategies=scheduling),
    )
    with pytest.raises(LofiError, match="expected a worker on the cluster, found none for .*CPUs are free"):
        list(Crew(ray, ORDER, {}).blocks({0: range(3)}, ["a", "b", "c"]))


def test_a_block_that_kills_its_workers_is_named(ray_nodes: RayNodes, monkeypatch: pytest.MonkeyPatch) -> None:
    import ray
    import ray.util.scheduling_strategies

    class Dies:  # in here, so that it travels by value
        def __init__(self, *_: object) -> None:
            pass

        def ready(self) -> None:
            pass

        def block(self, images: tuple[str, ...]) -> str:
            import os

            if "bad" in images:
                os._exit(1)
            return f"of {len(images)}"

    monkeypatch.setattr(module, "Worker", Dies)
    monkeypatch.setattr(module, "DEATHS", 2)
    ray.init(ray_nodes.address, log_to_driver=False)
    try:
        crew, done = Crew(ray, ORDER, {}), []
        rows_of, images = {number: range(number, number + 1) for number in range(8)}, ["a"] * 7 + ["bad"]
        with pytest.raises(LofiError, match="expected block 7 to leave its worker alive, found 2 dead over it"):
            for number, block in crew.blocks(rows_of, images):
                done.append((number, block))
        assert set(done) <= {(number, "of 1") for number in range(7)} and len(done) >= 6 and not crew._hired
    finally:
        ray.shutdown()
