"""Pictures through a quality: in memory by threads, against a degraded copy of the data set on disk."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.baselines import files_by_quality
from benchmarks.describing import write_photographs
from benchmarks.timing import Row, scaled, seconds
from lofivpr.cores import usable_cores
from lofivpr.media import open_image
from lofivpr.quality import Quality

QUALITIES = ("240p/jpeg:10", "240p/h264:qp40", "240p/h265:qp40", "240p/av1:crf50")
REPEATS = 3


def rows() -> list[Row]:
    """Photographs of 1280 x 960."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        images = write_photographs(folder / "photographs", scaled(24, 2))
        fresh = (folder / f"copy-{i}" for i in count())
        return [_row(Quality.parse(text), folder / "photographs", images, fresh) for text in QUALITIES]


def _row(quality: Quality, root: Path, images: list[str], fresh: Iterator[Path]) -> Row:
    def ours() -> None:
        with ThreadPoolExecutor(usable_cores()) as pool:
            list(pool.map(lambda image: quality.encode(open_image(image, root)).image, images))

    def opening() -> None:
        with ThreadPoolExecutor(usable_cores()) as pool:
            list(pool.map(lambda image: open_image(image, root), images))

    before = seconds(lambda: files_by_quality(root, images, quality, next(fresh)), REPEATS)
    each = [value / len(images) for value in (before, seconds(ours, REPEATS), seconds(opening, REPEATS))]
    baseline, theory = "a degraded copy of the folder, as PNG", "opening the JPEG file"
    return Row(f"a picture through {quality}", baseline, each[0], each[1], "s", each[2], theory)
