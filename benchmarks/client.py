"""The client over thin links, beside clients of one fixed quality: bytes per fix, latency, correct fixes.

    make demo                          # the generated town, its teacher, student and map, in out/demo
    python -m benchmarks.client        # or the folder of another demo; --queries 40 --latency 2

Each link has 30 ms each way, up to 20 ms of jitter, and 1 % of lost packets. The service is a process of its own.
The map is calibrated anew, in a copy, at the qualities of `LADDER`, on the side of the town that is not asked about.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.serving import server
from benchmarks.shaped_link import ShapedLink
from lofivpr.maps import Map
from lofivpr.maps.calibrate import Terms, calibrate
from lofivpr.models import load_describer
from lofivpr.places import Places
from lofivpr.places.geodesy import geodesic
from lofivpr.quality import Quality
from lofivpr.serving import Client
from lofivpr.serving.client import Located

LADDER = tuple(
    Quality.parse(text)
    for text in (
        *("60p/h264:qp44", "120p/h264:qp44", "120p/h264:qp38", "240p/h264:qp44", "240p/h264:qp38", "240p/h264:qp32"),
        *("120p/jpeg:5", "240p/jpeg:5", "240p/jpeg:20", "240p/jpeg:60"),
    )
)
FIXED = ("240p/jpeg:20", "240p/h264:qp38")
KBPS = (16, 64, 256)
LINK: dict[str, Any] = {"delay_s": 0.03, "jitter_s": 0.02, "loss": 0.01}
WITHIN_M = 25.0


class ClientRow(NamedTuple):
    """One client over one link. `correct`: answers within 25 m of the truth; bytes are those of encoded pictures, and
    `up` and `down` all that passed, headers included; seconds are from the picture to its answer."""

    kbps: int
    client: str
    queries: int
    answered: int
    correct: int
    bytes_per_fix: float
    up_per_fix: float
    down_per_fix: float
    median_s: float
    p90_s: float
    asked_twice: int


def client_rows(
    demo: Path,
    model: str = "student",
    queries: int = 40,
    latency_s: float = 2.0,
    wrong_at_most: float = 0.1,
    kbps: Sequence[int] = KBPS,
    seed: int = 0,
) -> Iterator[ClientRow]:
    """One row for each link and client.

    Args:
        demo: a folder that `lofivpr demo` has made.
        model: of it, that describes the queries.
        queries: of the town's test side, drawn at random.
        latency_s: what the client that chooses holds.
        wrong_at_most: share of the answers; a promise that the pictures of a small town can prove.
    """
    asked = Places.open(demo / "town").split("test").queries
    drawn = np.sort(np.random.default_rng(seed).permutation(len(asked))[:queries])
    choosing = {"latency_s": latency_s}
    clients = {f"chooses, {latency_s:g} s": choosing, **{quality: {"quality": quality} for quality in FIXED}}
    with TemporaryDirectory() as folder:
        town = _calibrated(demo, demo / model, Path(folder) / "town.map", wrong_at_most)
        with server(town, demo / model) as (url, _):
            port = int(url.rpartition(":")[2])
            for rate in kbps:
                for name, options in clients.items():
                    with ShapedLink(port, 1000 * rate, seed=seed, **LINK) as link:
                        with Client(f"http://127.0.0.1:{link.port}", patience_s=120, **options) as client:  # type: ignore[arg-type]
                            client.about()
                            before = link.up.n_bytes, link.down.n_bytes
                            found = [client.locate(asked.open_image(int(row))) for row in drawn]
                            passed = link.up.n_bytes - before[0], link.down.n_bytes - before[1]
                    yield _row(rate, name, found, asked.select(drawn), passed)


def _row(kbps: int, name: str, found: list[Located], asked: Places, passed: tuple[int, int]) -> ClientRow:
    answered = [one for one in found if one.fix.answered]
    correct = sum(
        one.fix.answered and metres(one, asked[row].lat, asked[row].lon) <= WITHIN_M for row, one in enumerate(found)
    )
    fixes, seconds = max(correct, 1), [one.seconds for one in found]
    return ClientRow(
        kbps=kbps,
        client=name,
        queries=len(found),
        answered=len(answered),
        correct=correct,
        bytes_per_fix=sum(one.n_bytes for one in found) / fixes,
        up_per_fix=passed[0] / fixes,
        down_per_fix=passed[1] / fixes,
        median_s=float(np.median(seconds)),
        p90_s=float(np.percentile(seconds, 90)),
        asked_twice=sum(one.asked == 2 for one in found),
    )


def metres(one: Located, lat: float | None, lon: float | None) -> float:
    """Of an answer from the truth."""
    return float(geodesic(*np.array([[one.fix.lat], [one.fix.lon], [lat], [lon]], np.float64))[0])


def _calibrated(demo: Path, model: Path, copy: Path, wrong_at_most: float) -> Path:
    """The demo's map, calibrated at `LADDER`."""
    shutil.copytree(demo / "town.map", copy)
    maker, asker = load_describer(demo / "teacher"), load_describer(model)
    places = Places.open(demo / "town").split("train")
    terms = Terms(wrong_at_most=wrong_at_most, protocol="leave-panorama-out", views=1)
    found = calibrate(asker, maker, places, LADDER, terms, cache=demo / "client-benchmark")
    found.write(Map.open(copy).calibration_path)
    return copy


def main() -> None:
    """Print each row as JSON when it is there, and all of them as a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("demo", type=Path, nargs="?", default=Path("out/demo"))
    parser.add_argument("--model", choices=("student", "teacher"), default="student")
    parser.add_argument("--queries", type=int, default=40)
    parser.add_argument("--latency", type=float, default=2.0)
    parser.add_argument("--wrong-at-most", type=float, default=0.1)
    parser.add_argument("--kbps", type=int, nargs="+", default=list(KBPS))
    told = parser.parse_args()
    table = Table(*ClientRow._fields)
    for row in client_rows(told.demo, told.model, told.queries, told.latency, told.wrong_at_most, told.kbps):
        table.add_row(*(f"{value:.4g}" if isinstance(value, float) else str(value) for value in row))
        print(json.dumps(row._asdict()), flush=True)
    Console().print(table)


if __name__ == "__main__":
    main()
