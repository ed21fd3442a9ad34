"""A step of the default distillation: stage by stage, and on one process and two.

python -m benchmarks.step --page docs/results/speed.md
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest import mock

import torch

from benchmarks.page import put
from benchmarks.timing import measured, once
from benchmarks.training import epoch, made_town, set_up
from lofivpr.cores import usable_cores
from lofivpr.training.trainer import Trainer

EPOCHS = 4
REST = "everything else"


def main() -> None:
    """Print both tables; with --page into a page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--page", type=Path)
    parser.add_argument("--worker", type=Path, nargs=2, help=argparse.SUPPRESS)
    told = parser.parse_args()
    if told.worker:
        return _work(*told.worker)
    with TemporaryDirectory() as folder:
        town = made_town(Path(folder))
        spent, whole = _profile(set_up(town, Path(folder) / "profiled")[0])
        runs = {number: _together(town, number) for number in (1, 2)}
    shares = [["stage", "ms a step", "share"]]
    shares += [[stage, f"{1000 * seconds:.0f}", f"{100 * seconds / whole:.1f} %"] for stage, seconds in spent.items()]
    one = runs[1][0]["seconds"]
    processes = [["processes", "threads each", "pictures each", "s a step", "against one", "memory of each, MiB"]]
    for number, ranks in runs.items():
        seconds = max(rank["seconds"] for rank in ranks)
        cells = [str(number), *(str(ranks[0][key]) for key in ("threads", "pictures"))]
        mib = ", ".join(f"{rank['mib']:,.0f}" for rank in ranks)
        processes.append([*cells, f"{seconds:.2f}", f"{one / seconds:.2f}x", mib])
    for rows in (shares, processes):
        print("\n".join(" | ".join(row) for row in rows))
    if told.page:
        put(told.page, "stages", shares, f"A step of {runs[1][0]['pictures']} pictures takes {whole:.2f} s.")
        put(told.page, "processes", processes, "The same batches, shared out by `torchrun`, gloo between processes.")


def _profile(trainer: Trainer) -> tuple[dict[str, float], float]:
    """Seconds of a step by stage, and of a whole step: means over epochs, after one that warms up."""
    spent: dict[str, float] = defaultdict(float)
    epoch(trainer)
    trainer.wrapped = _timed("forward", trainer.wrapped, spent)
    trainer.objective = _TimedObjective(trainer.objective, spent)  # type: ignore[assignment]
    trainer.fabric.backward = _timed("backward", trainer.fabric.backward, spent)  # type: ignore[method-assign]
    trainer.optimizer.step = _timed("optimizer", trainer.optimizer.step, spent)
    trainer._batches = _timed_batches(trainer._batches, spent)  # type: ignore[method-assign]
    clip = _timed("norm of the gradients", torch.nn.utils.clip_grad_norm_, spent)
    with mock.patch.object(torch.nn.utils, "clip_grad_norm_", clip):
        whole = sum(once(lambda: epoch(trainer)) for _ in range(EPOCHS))
    number = EPOCHS * trainer.sampler.steps
    spent[REST] = whole - sum(spent.values())
    return {stage: seconds / number for stage, seconds in spent.items()}, whole / number


def _timed(stage: str, function: Callable[..., Any], spent: dict[str, float]) -> Callable[..., Any]:
    def timed(*arguments: Any, **named: Any) -> Any:
        started = time.perf_counter()
        try:
            return function(*arguments, **named)
        finally:
            spent[stage] += time.perf_counter() - started

    return timed


class _TimedObjective:
    """An objective that is asked as before."""

    def __init__(self, objective: Any, spent: dict[str, float]) -> None:
        self.adapter = objective.adapter
        self._ask = _timed("losses, with the teacher's stored answers", objective, spent)

    def __call__(self, *arguments: Any) -> Any:
        return self._ask(*arguments)


def _timed_batches(batches: Callable[..., Iterator[Any]], spent: dict[str, float]) -> Callable[..., Iterator[Any]]:
    def timed(*arguments: int) -> Iterator[Any]:
        following = batches(*arguments)
        wait = _timed("waiting for pictures", lambda: next(following, None), spent)
        return iter(wait, None)

    return timed


def _together(town: Path, processes: int) -> list[dict[str, Any]]:
    """What each process of a run reports."""
    out = town.with_name(f"of-{processes}")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    threads = str(usable_cores() // processes)
    done = subprocess.run(
        [*command, "-m", "benchmarks.step", "--worker", str(town), str(out)],
        env=os.environ | {"OMP_NUM_THREADS": threads}, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"{processes} processes failed:\n{done.stderr}")
    reports = sorted(out.with_name(out.name + ".reports").iterdir())
    return [json.loads(path.read_text(encoding="utf-8")) for path in reports]


def _work(town: Path, out: Path) -> None:
    """One process of a run that `torchrun` started: a step's seconds, and the memory that training adds."""
    trainer, _ = set_up(town, out)
    used = measured(lambda: epoch(trainer))
    seconds = statistics.median(once(lambda: epoch(trainer)) for _ in range(EPOCHS)) / trainer.sampler.steps
    _, pixels = next(iter(trainer._batches(0, 0)))
    found = {"seconds": seconds, "mib": used.mib, "threads": torch.get_num_threads(), "pictures": len(pixels)}
    folder = out.with_name(out.name + ".reports")
    folder.mkdir(exist_ok=True)
    (folder / f"{trainer.fabric.global_rank}.json").write_text(json.dumps(found), encoding="utf-8")


if __name__ == "__main__":
    main()
