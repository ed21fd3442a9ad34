"""Which workers are hired, and what is done when they die. The pretended Ray here only tells of nodes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from lofivpr.descriptors import crew as module
from lofivpr.descriptors.crew import Crew
from lofivpr.errors import LofiError
from ray_nodes import RayNodes

ORDER: Any = None


def node(name: str, alive: bool = True, **resources: float) -> dict[str, Any]:
    return {"NodeID": name, "Alive": alive, "Resources": resources}


NODES = [node("a", CPU=8.0, GPU=2.0), node("b", CPU=4.0), node("c"), node("d", alive=False, CPU=4.0, GPU=1.0)]


@pytest.mark.parametrize(("on_gpu", "seats"), [(False, {("a", 0): 8, ("b", 0): 4}), (True, {("a", 0): 4, ("a", 1): 4})])
def test_a_worker_a_node_or_a_gpu(on_gpu: bool, seats: dict[tuple[str, int], int]) -> None:
    ray = SimpleNamespace(put=lambda value: value, nodes=lambda: NODES)
    assert Crew(ray, ORDER, {}, on_gpu)._seats() == seats


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
    with pytest.raises(LofiError, match="expected a worker on the cluster, found none for"):
        list(Crew(ray, ORDER, {}, False).blocks({0: range(3)}, ["a", "b", "c"]))


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
        crew, done = Crew(ray, ORDER, {}, False), []
        rows_of, images = {number: range(number, number + 1) for number in range(8)}, ["a"] * 7 + ["bad"]
        with pytest.raises(LofiError, match="expected block 7 to leave its worker alive, found 2 dead over it"):
            for number, block in crew.blocks(rows_of, images):
                done.append((number, block))
        assert set(done) <= {(number, "of 1") for number in range(7)} and len(done) >= 6 and not crew._hired
    finally:
        ray.shutdown()
