"""Measures the rates of `benchmarks.scale` on this machine, in seconds of a core's work, and writes them to scale.json.

Work, not time on the clock: other processes then disturb little. EfficientNet-Lite0 and NetVLAD at 640 x 480 describe
made photographs of 1280 x 960; maps are of made descriptors of 512 numbers, which is what a whitened model gives.
"""

from __future__ import annotations

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from benchmarks.describing import write_photographs
from benchmarks.machine import memory_mib, processor
from benchmarks.maps import made_places, made_rows
from benchmarks.scale import Rates, write_rates
from lofivpr.descriptors import DescriptorStore
from lofivpr.descriptors.segment import Block, Row, segment_path, write_segment
from lofivpr.maps import ArrayRows, Map
from lofivpr.models import create_model, load_describer

DIMENSION = 512
ALONE = """
import sys
from benchmarks.scale_rates import {job}
print({job}(*sys.argv[1:]))
"""


def work(job: Callable[[], object]) -> float:
    """Seconds of a core that a job takes, all threads of this process together."""
    job()
    started = time.process_time()
    job()
    return time.process_time() - started


def alone(job: str, *arguments: object) -> float:
    """What a function of this file gives in a process of its own."""
    command = [sys.executable, "-c", ALONE.format(job=job), *map(str, arguments)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def peak_describing(folder: str) -> float:
    """Most bytes of memory of a process that describes; `ru_maxrss` would count the process that started it."""
    _describe(Path(folder), "peak")
    return 2**20 * memory_mib("VmHWM")


def held_places(number: str) -> float:
    """Bytes of memory that a place takes in a process that builds."""
    before = memory_mib("RssAnon")
    places = made_places(int(number))
    images = tuple(places.images)
    return 2**20 * (memory_mib("RssAnon") - before) / len(images)


def held_map(folder: str) -> float:
    """Bytes of memory that a place takes in a process that answers."""
    query = np.random.default_rng(0).standard_normal((1, DIMENSION)).astype(np.float32)
    before = memory_mib("RssAnon")
    town = Map.open(folder)
    town.nearest(query, 5, exact=True)
    town.places.xy()
    return 2**20 * (memory_mib("RssAnon") - before) / len(town)


def _describe(folder: Path, name: str) -> Any:
    images = sorted(path.name for path in (folder / "pictures").iterdir())
    return DescriptorStore.build(
        folder / name, load_describer(folder / "model"), images, folder / "pictures", progress=False
    )


def measure(folder: Path, pictures: int, places: int) -> Rates:
    """All rates, from so many pictures that are described, and so many places of made maps."""
    write_photographs(folder / "pictures", pictures)
    create_model("efficientnet_lite0", "netvlad", pretrained=False, size=(640, 480)).save(folder / "model")
    number = iter(range(100))
    describe_s = work(lambda: _describe(folder, f"store{next(number)}")) / pictures
    made = folder / "rows.npy"
    made_rows(made, places, DIMENSION, 1)
    rows, where = np.load(made, mmap_mode="r"), made_places(places)
    sizes = {}
    for dtype in ("float16", "pq64"):
        options: dict[str, Any] = {"model": "made", "model_digest": "made", "dtype": dtype, "search": "exact"}
        sizes[dtype] = Map.from_rows(ArrayRows(rows), where, folder / dtype, **options).info().n_bytes
    block = Block(tuple(Row(f"images/{row:08d}.jpg") for row in range(64)), np.array(rows[:64]))
    written = iter(range(1000))

    def write() -> None:
        for _ in range(100):
            write_segment(segment_path(folder, next(written)), block, "key")

    return Rates(
        picture_bytes=sum(path.stat().st_size for path in (folder / "pictures").iterdir()) / pictures,
        describe_s=describe_s,
        worker_bytes=alone("peak_describing", folder),
        store_bytes=segment_path(folder, 0).stat().st_size / 64,
        write_s=work(write) / 6400,
        place_bytes=alone("held_places", places),
        open_bytes=alone("held_map", folder / "pq64"),
        float16_bytes=sizes["float16"] / places,
        pq64_bytes=sizes["pq64"] / places,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--pictures", type=int, default=256)
    parser.add_argument("--places", type=int, default=200_000)
    told = parser.parse_args()
    with TemporaryDirectory() as temporary:
        measured = measure(Path(temporary), told.pictures, told.places)
    named = processor() or platform.processor()
    write_rates(
        measured,
        f"Measured by `python -m benchmarks.scale_rates` on {os.cpu_count()} cores of {named}: "
        f"{told.pictures} made photographs of 1280 x 960, described by EfficientNet-Lite0 and NetVLAD at 640 x 480 in "
        f"ONNX Runtime; maps of {told.places:,} made descriptors of {DIMENSION} numbers.",
    )
