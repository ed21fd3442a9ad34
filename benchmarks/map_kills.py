"""kill -9 at random moments while a map is built and added to: it opens and is whole, or says what to redo.

python -m benchmarks.map_kills 100
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa

from lofivpr.errors import LofiError
from lofivpr.maps import Map
from lofivpr.models.preprocessing import Preprocessing
from lofivpr.places import Places

FIRST, MORE = 400, 150


class Grey:
    """A describer without weights: the picture itself, 8 x 6, as a vector of unit length."""

    name, digest, descriptor_size = "grey", "grey0", 144
    preprocessing = Preprocessing((8, 6), (0, 0, 0), (1, 1, 1))

    def describe(self, images: Sequence[np.ndarray], quality: object = None) -> np.ndarray:
        """float32 N x 144."""
        rows = np.stack([self.preprocessing.resize(image).reshape(-1) for image in images]).astype(np.float32) + 1
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


def make_pictures(root: Path) -> None:
    """Pictures of noise."""
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(FIRST + MORE):
        Image.fromarray(rng.integers(0, 256, (6, 8, 3), np.uint8)).save(root / f"{number:04d}.png")


def places_of(root: Path) -> Places:
    """Where the pictures were taken."""
    names = sorted(path.name for path in root.glob("*.png"))
    lat = 52 + np.arange(len(names)) * 1e-4
    return Places.from_table(root, pa.table({"image": names, "lat": lat, "lon": np.full(len(names), 4.0)}))


def work(job: str, out: Path, places: Places) -> None:
    """Build the map, or add to it."""
    if job == "build":
        Map.build(Grey(), places.select(np.arange(FIRST)), out)
    else:
        Map.open(out).add(Grey(), places.select(np.arange(FIRST, FIRST + MORE)))


def serve(root: Path) -> None:
    """Fork a child for each line `job out` of standard input; on the next, kill it or not; answer how it ended.

    What is imported is imported once, so that a kill falls into the work and not into the start of Python.
    """
    places = places_of(root)
    for line in sys.stdin:
        job, out = line.split()
        child = os.fork()
        if child == 0:
            work(job, Path(out), places)
            os._exit(0)
        print("started", flush=True)
        if sys.stdin.readline().strip() == "kill":
            os.kill(child, signal.SIGKILL)  # not yet waited for, so the id is still its own
        print(os.waitpid(child, 0)[1], flush=True)


class Victim:
    """The process that forks and whose children are killed."""

    def __init__(self, root: Path) -> None:
        command = [sys.executable, __file__, "serve", str(root)]
        environment = os.environ | {"OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    def run(self, job: str, out: Path, kill_after: float | None) -> tuple[float, bool]:
        """Seconds that it ran, and whether it came to its end."""
        assert self._process.stdin and self._process.stdout
        print(job, out, file=self._process.stdin, flush=True)
        self._process.stdout.readline()
        started = time.perf_counter()
        if kill_after is not None:
            time.sleep(kill_after)
        print("wait" if kill_after is None else "kill", file=self._process.stdin, flush=True)
        status = int(self._process.stdout.readline())
        assert status in (0, signal.SIGKILL), f"{job} failed by itself: {status}"
        return time.perf_counter() - started, status == 0

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin
        self._process.stdin.close()
        self._process.wait(30)


def state(out: Path) -> str:
    """What a reader finds; raises if it finds neither a whole map nor words that say what to redo."""
    try:
        town = Map.open(out)
    except LofiError as error:
        told = str(error)
        assert "Run the command that builds it again" in told or "Build one with `lofivpr map build`" in told, told
        return "unfinished"
    town.check()
    assert len(town) in (FIRST, FIRST + MORE), len(town)
    rows = np.arange(0, len(town), 37)
    pictures = [town.places.open_image(int(row)) for row in rows]
    assert np.array_equal(town.nearest(Grey().describe(pictures), 1).indices[:, 0], rows)
    return "old" if len(town) == FIRST else "new"


def kills(count: int, folder: Path, seed: int = 0) -> Counter[str]:
    """Kill `count` runs at random moments, half of them building, half adding; how often which state was found.

    Every killed run is repeated to its end, which must give the whole map.
    """
    root = folder / "pictures"
    root.mkdir()
    make_pictures(root)
    victim, found, rng = Victim(root), Counter[str](), np.random.default_rng(seed)
    try:
        lasts = {job: victim.run(job, folder / "whole", None)[0] for job in ("build", "add")}
        for number in range(count):
            job, out = ("build", "add")[number % 2], folder / f"map-{number // 2}"
            _, ended = victim.run(job, out, rng.uniform(0, 1.1 * lasts[job]))
            found[f"{job}: {state(out)}{' (had ended)' if ended else ''}"] += 1
            victim.run(job, out, None)
            assert state(out) == ("old" if job == "build" else "new")
            assert not (out / "staging").exists()
    finally:
        victim.close()
    return found


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve(Path(sys.argv[2]))
    else:
        with TemporaryDirectory() as temporary:
            for what, times in sorted(kills(int(sys.argv[1]), Path(temporary)).items()):
                print(f"{times:4d}  {what}")
