"""What looking at local features of the first candidates adds to a map's answers, and what it costs, at each quality.

python -m benchmarks.verify town.map --places town --model student
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from lofivpr.evaluation import paired_difference
from lofivpr.maps import Map
from lofivpr.maps.locate import arrived, candidates, described
from lofivpr.maps.verify import verify
from lofivpr.media import open_image
from lofivpr.models import load_describer
from lofivpr.places import Places
from lofivpr.quality import Quality

FIRST = 5
WITHIN_M = 25.0
QUALITIES = ("raw", "60p", "240p/jpeg:10", "240p/jpeg:5", "240p/h264:qp42", "240p/h265:qp48", "240p/av1:crf63")


class VerifyRow(NamedTuple):
    """One quality: percent of the queries whose first place is within 25 m before and after, the gain in points with
    its 95 % interval over panoramas, the median of the most inliers, and milliseconds a query."""

    quality: str
    queries: int
    before: float
    after: float
    gain: str
    inliers: float
    ms: float


def verify_rows(town: Map, places: Places, model: Path, queries: int, seed: int = 0) -> Iterator[VerifyRow]:
    """One row for each quality, of so many queries of the places drawn at random."""
    describer = load_describer(model)
    drawn = np.sort(np.random.default_rng(seed).permutation(len(places))[:queries])
    asked = places.select(drawn.tolist())
    truth, points, groups = asked.points(), town.places.points(), asked.groups()
    for text in QUALITIES:
        quality = Quality.parse(text)
        before: list[bool] = []
        after: list[bool] = []
        most, seconds = [], []
        for row in range(len(asked)):
            picture, _, known = arrived(asked.open_image(row), quality)
            found = town.nearest(described(describer, [picture], known), FIRST)
            first = candidates(town.places, found)[0]
            started = time.perf_counter()
            looked = verify(picture, first, lambda ref: open_image(ref, places.root), FIRST)
            seconds.append(time.perf_counter() - started)
            for hits, best in ((before, first[0]), (after, looked.candidates[0])):
                hits.append(bool(np.linalg.norm(points[best.row] - truth[row]) <= WITHIN_M))
            most.append(max(looked.inliers))
        gain = paired_difference(np.array(after), np.array(before), groups)
        yield VerifyRow(
            text,
            len(asked),
            *(100 * float(np.mean(before)), 100 * float(np.mean(after))),
            str(gain),
            *(float(np.median(most)), 1e3 * float(np.median(seconds))),
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("map", type=Path)
    parser.add_argument("--places", type=Path, required=True)
    parser.add_argument("--split", default="test")
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--queries", type=int, default=150)
    told = parser.parse_args()
    asked = Places.open(told.places).split(told.split).queries
    table = Table("quality", "queries", "before %", "after %", "gain", "inliers", "ms a query")
    for row in verify_rows(Map.open(told.map), asked, told.model, told.queries):
        table.add_row(*(f"{value:.1f}" if isinstance(value, float) else str(value) for value in row))
    Console().print(table)


if __name__ == "__main__":
    main()
