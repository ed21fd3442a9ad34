"""The service under load: clients that stream encoded video, beside what the model describes alone.

    python -m benchmarks.serving --clients 32 --fps 5 --seconds 60

The server is a process of its own, started by `lofivpr serve`; the clients share this one.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
import pyarrow as pa
import websockets
from rich.console import Console
from rich.table import Table

from benchmarks.machine import memory_mib
from lofivpr.cores import usable_cores
from lofivpr.maps import ArrayRows, Map
from lofivpr.models import OnnxModel, create_model, load_describer
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.serving.wire import write_packet

SIZE = (320, 240)
WARM_UP_S = 3.0


@dataclass
class Client:
    """What one client saw: seconds from sending a frame to its answer, and when each answer came."""

    waits: list[float] = field(default_factory=list)
    came: list[float] = field(default_factory=list)
    skipped: int = 0
    faults: int = 0


def load(
    clients: int = 8,
    fps: float = 5,
    seconds: float = 12,
    codec: str = "h264:crf35",
    places: int = 1000,
    backbone: str = "efficientnet_lite0",
) -> list[tuple[str, str]]:
    """Stream 240p video from `clients` at once; returns rows of what was measured and its value.

    Args:
        clients: connections.
        fps: frames a second that each sends, whether answered or not.
        seconds: of streaming after a warm-up.
        codec: a quality of a video codec.
        places: of the map, with random descriptors.
        backbone: of the model, with random weights, at 320 x 240.
    """
    with TemporaryDirectory() as folder:
        model, town = _make(Path(folder), places, backbone)
        alone, alone_cpu = describe_alone(model)
        with server(town, model) as (http, pid):
            url, packets = http.replace("http", "ws", 1) + "/v1/stream", _packets(codec)
            asyncio.run(_all(url, packets, codec, 2, fps, WARM_UP_S))
            before, cpu = memory_mib("VmRSS", pid), cpu_seconds(pid)
            seen, loaded = asyncio.run(_watched(_all(url, packets, codec, clients, fps, seconds), pid, seconds))
            cpu = cpu_seconds(pid) - cpu
        alone = (alone + describe_alone(model)[0]) / 2
    answers = sum(len(one.came) for one in seen)
    each = f"{1000 * alone_cpu:.1f} ms alone, {1000 * cpu / answers:.1f} ms in the service"
    rows = _rows(seen, alone, seconds, clients * fps, [before, *loaded])
    return [*rows, ("processor time a picture", each)]


def describe_alone(model: Path, seconds: float = 3.0) -> tuple[float, float]:
    """Pictures a second that the model describes where nothing else runs in this process, and processor seconds each.

    Batches keep all cores at work. The processor seconds can be compared where other processes share the cores.
    """
    onnx = OnnxModel.load(model)
    picture = np.random.default_rng(0).integers(0, 256, (SIZE[1], SIZE[0], 3), np.uint8)
    batch = [picture] * (4 * usable_cores())
    onnx.describe(batch)
    started, cpu, count = time.perf_counter(), time.process_time(), 0
    while time.perf_counter() - started < seconds:
        onnx.describe(batch)
        count += len(batch)
    return count / (time.perf_counter() - started), (time.process_time() - cpu) / count


@contextmanager
def server(town: Path, model: Path) -> Iterator[tuple[str, int]]:
    """`lofivpr serve` on a free port; yields its address and process id."""
    code = "from lofivpr.cli import main; main()"
    command = [sys.executable, "-c", code, "serve", str(town), "--model", str(model), "--port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        while (event := json.loads(process.stderr.readline()))["event"] != "listening":
            pass
        yield event["url"], process.pid
    finally:
        process.terminate()
        process.communicate(timeout=30)


def cpu_seconds(pid: int) -> float:
    """Processor seconds of a process so far, over all its threads; NaN where /proc is missing."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return float("nan")
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def _all(url: str, packets: list[bytes], codec: str, clients: int, fps: float, seconds: float) -> list[Client]:
    seen = [Client() for _ in range(clients)]
    starts = [number / clients / fps for number in range(clients)]  # not all at the same moment
    await asyncio.gather(
        *(_stream(url, packets, codec, fps, seconds, start, one) for start, one in zip(starts, seen, strict=True))
    )
    return seen


async def _watched(streams: Awaitable[list[Client]], pid: int, seconds: float) -> tuple[list[Client], list[float]]:
    """What the clients saw, and the resident memory of the service after each quarter of the time."""

    async def look() -> list[float]:
        found = []
        for _ in range(4):
            await asyncio.sleep(seconds / 4)
            found.append(memory_mib("VmRSS", pid))
        return found

    seen, found = await asyncio.gather(streams, look())
    return seen, found


async def _stream(
    url: str, packets: list[bytes], codec: str, fps: float, seconds: float, start: float, seen: Client
) -> None:
    """One client: sends on time whatever happens, and notes the answers."""
    await asyncio.sleep(start)
    sent: dict[int, float] = {}
    async with websockets.connect(url, compression=None, max_queue=None) as socket:
        await socket.send(json.dumps({"codec": codec.partition(":")[0], "size": list(SIZE)}))
        await socket.recv()

        async def listen() -> None:
            async for text in socket:
                answer, now = json.loads(text), time.perf_counter()
                seen.skipped += len(answer["skipped"])
                if "fix" in answer:
                    seen.waits.append(now - sent[answer["frame"]])
                    seen.came.append(now)
                else:
                    seen.faults += 1

        listening = asyncio.create_task(listen())
        begun = time.perf_counter()
        for number in range(int(seconds * fps)):
            await asyncio.sleep(max(0.0, begun + number / fps - time.perf_counter()))
            sent[number] = time.perf_counter()
            await socket.send(write_packet(number, round(1e6 * number / fps), packets[number % len(packets)]))
        await asyncio.sleep(max(0.0, begun + seconds - time.perf_counter()))
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


def _rows(
    seen: list[Client], alone: float, seconds: float, offered: float, resident: list[float]
) -> list[tuple[str, str]]:
    waits = np.array([wait for one in seen for wait in one.waits])
    came = np.sort([moment for one in seen for moment in one.came])
    rate = (len(came) - 1) / (came[-1] - came[0])
    counts = [len(one.came) for one in seen]
    p50, p95, p99 = (1000 * value for value in np.percentile(waits, [50, 95, 99]))
    return [
        ("frames offered", f"{offered:.1f} a second"),
        ("describe alone", f"{alone:.1f} a second"),
        ("answers", f"{rate:.1f} a second, {100 * rate / min(alone, offered):.0f} % of what is possible"),
        ("time to an answer", f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, p99 {p99:.0f} ms"),
        ("answers a client", f"{min(counts) / seconds:.2f} to {max(counts) / seconds:.2f} a second"),
        ("longest without an answer", f"{max(_gap(one.came) for one in seen):.2f} s"),
        ("frames skipped, faults", f"{sum(one.skipped for one in seen)}, {sum(one.faults for one in seen)}"),
        (
            "resident memory",
            f"{resident[0]:.0f} MiB idle, {', '.join(f'{mib:.0f}' for mib in resident[1:])} by quarters",
        ),
    ]


def _gap(came: list[float]) -> float:
    return float(np.diff(came).max()) if len(came) > 1 else float("inf")


def _make(folder: Path, places: int, backbone: str) -> tuple[Path, Path]:
    """A model with random weights, and a map of random descriptors."""
    create_model(backbone, "netvlad", size=SIZE, pretrained=False).save(folder / "model")
    model = load_describer(folder / "model")
    rows = np.random.default_rng(0).normal(size=(places, model.descriptor_size)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    table = {
        "image": [f"{number}.jpg" for number in range(places)],
        "lat": [52 + number * 1e-4 for number in range(places)],
        "lon": [13.0] * places,
    }
    town = Places.from_table(folder, pa.table(table))
    Map.from_rows(ArrayRows(rows), town, folder / "map", model=model.name, model_digest=model.digest)
    return folder / "model", folder / "map"


def _packets(codec: str) -> list[bytes]:
    """A group of pictures of a camera that turns past something."""
    coarse = np.random.default_rng(1).integers(0, 256, (24, 32, 3), np.uint8)
    wide = cv2.resize(coarse, SIZE, interpolation=cv2.INTER_CUBIC)
    frames = [np.roll(wide, 3 * number, axis=1) for number in range(60)]
    packets = Quality.parse(codec).encode_clip(frames, 10).packets
    assert packets is not None
    return packets


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--fps", type=float, default=5)
    parser.add_argument("--seconds", type=float, default=12)
    parser.add_argument("--codec", default="h264:crf35")
    parser.add_argument("--places", type=int, default=1000)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    table = Table("what", "value")
    for row in load(**vars(parser.parse_args())):
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
