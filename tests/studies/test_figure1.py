"""What Figure 1 shows of queries that were sent as frames of a stream."""

from __future__ import annotations

import base64
import io
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
from PIL import Image

from lofivpr.evaluation.gallery import Case
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.studies.figure1 import _out_of_streams


def test_queries_of_streams_are_shown_as_they_came_out(tmp_path: Path) -> None:
    scene = cv2.resize(np.random.default_rng(0).integers(0, 256, (3, 4, 3), np.uint8), (128, 96))
    for number in range(3):
        Image.fromarray(np.roll(scene, 6 * number, axis=1)).save(tmp_path / f"{number}.png")
    names = [f"{number}.png" for number in range(3)]
    table = {"image": names, "sequence": ["walk"] * 3, "frame": list(range(3)), "role": ["query"] * 3}
    places = Places.from_table(tmp_path, pa.table(table))
    quality = Quality.parse("48p/h265:qp36@1fps")
    cases = [Case("fixed", name, "", "", "", ()) for name in ("2.png", "0.png")]
    found = _out_of_streams(cases, places, quality)
    assert [case.query for case in found] == ["2.png", "0.png"]
    key, still = found[1], Quality.parse("48p/h265:qp36").encode(scene)
    assert all(case.size.startswith("64 × 48, ") for case in found)
    assert _bytes(found[0]) < _bytes(key) / 2, "the last frame is told by those before"
    assert 2 * _difference(key, still.image) < _difference(found[0], still.image)


def _difference(case: Case, pixels: np.ndarray) -> float:
    """Mean of the absolute differences of what is shown, at the size of `pixels`."""
    shown = np.asarray(Image.open(io.BytesIO(base64.b64decode(case.sent.partition(",")[2]))))
    small = cv2.resize(shown, pixels.shape[1::-1], interpolation=cv2.INTER_AREA)
    return float(np.abs(small.astype(float) - pixels).mean())


def _bytes(case: Case) -> float:
    number, unit = case.size.split(", ")[1].split(" ")
    return float(number) * {"B": 1, "kB": 1000}[unit]
