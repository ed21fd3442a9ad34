"""A tiny world: striped pictures along a road, and describers that are plain arithmetic."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lofivpr.evaluation import NS, Results, Row, evaluate
from lofivpr.evaluation.outcome import Outcome, Scene
from lofivpr.evaluation.rows import DatabaseSide
from lofivpr.models import Preprocessing
from lofivpr.places import Places, Protocol

SPACING_M = 40.0


@dataclass
class PixelDescriber:
    """Describes a picture by its pixels on a small grid, plus noise that the picture decides."""

    name: str = "pixels"
    grid: int = 6
    noise: float = 0.0
    card: dict[str, Any] | None = None
    described: int = 0
    precision: str = "float32"
    by: str = "auto"
    preprocessing: Preprocessing = Preprocessing((48, 36), (0.0,) * 3, (1.0,) * 3)

    @property
    def descriptor_size(self) -> int:
        return self.grid * self.grid * 3

    @property
    def digest(self) -> str:
        return hashlib.sha256(f"{self.grid} {self.noise}".encode()).hexdigest()[:16]

    def describe(self, images: Any, quality: Any = None) -> np.ndarray:
        self.described += len(images)
        return np.stack([self._one(image) for image in images])

    def _one(self, image: np.ndarray) -> np.ndarray:
        small = cv2.resize(image, (self.grid, self.grid), interpolation=cv2.INTER_AREA).astype(np.float32)
        rng = np.random.default_rng(int(hashlib.sha256(small.tobytes()).hexdigest()[:8], 16))
        values = (small - 128).ravel() / 60 + self.noise * rng.standard_normal(self.descriptor_size)
        return (values / np.linalg.norm(values)).astype(np.float32)


def road(folder: Path, places: int = 12, size: tuple[int, int] = (96, 72), seed: int = 0) -> Places:
    """A database picture and two queries at each of `places` spots, 40 m apart; two spots a sequence."""
    rng = np.random.default_rng(seed)
    rows = []
    for place in range(places):
        coarse = rng.integers(0, 256, (5, 6, 3)).astype(np.uint8)
        scene = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).astype(np.float32)
        for name, role in (("d", "database"), ("q0", "query"), ("q1", "query")):
            shot = np.clip(scene + rng.normal(0, 12, scene.shape), 0, 255).astype(np.uint8)
            image = f"{name}_{place:03d}.png"
            Image.fromarray(shot).save(folder / image)
            rows.append((image, place * SPACING_M, 3.0 * (name != "d"), f"s{place // 2}", role))
    image, easting, northing, sequence, role = map(list, zip(*rows, strict=True))
    table = {"image": image, "easting": easting, "northing": northing, "sequence": sequence, "role": role}
    return Places.from_table(folder, pa.table(table))


@pytest.fixture(scope="session")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Places:
    return road(tmp_path_factory.mktemp("road"))


@pytest.fixture
def pixels() -> Callable[..., PixelDescriber]:
    return PixelDescriber


@pytest.fixture
def make_road() -> Callable[..., Places]:
    return road


@pytest.fixture(scope="session")
def compared(streets: Places, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A noisy teacher and a calmer student over a ladder."""
    teacher = PixelDescriber("teacher", noise=3)
    student = PixelDescriber("student", noise=2, card={"teacher": {"digest": teacher.digest, "path": "gone"}})
    ladder = ["raw", "18p", "36p/jpeg:5", "36p/jpeg:20", "36p/jpeg:60", "jpeg:90"]
    out = tmp_path_factory.mktemp("compared")
    return evaluate([teacher, student], streets, ladder, out=out, progress=False)


RANKS = dict[tuple[str, str], list[int]]


def results_of(ranks: RANKS, sizes: dict[str, float], references: dict[str, str], group: int = 1) -> Results:
    """Results without pictures, of given ranks of first positives; `group` queries in a row are one group."""
    queries = len(next(iter(ranks.values())))
    scene = Scene(
        query_images=tuple(f"q{i}" for i in range(queries)),
        database_images=("d0", "d1"),
        query_xy=np.full((queries, 2), np.nan),
        database_xy=np.full((2, 2), np.nan),
        positives=tuple(np.array([0]) for _ in range(queries)),
        groups=np.arange(queries) // group,
        counted=np.ones(queries, bool),
    )
    outcomes = {
        key: Outcome(np.array(found), np.zeros((queries, 25), np.int64), np.zeros((queries, 25), np.float32))
        for key, found in ranks.items()
    }
    rows = []
    for (model, quality), outcome in outcomes.items():
        recall = {n: 100 * float(outcome.hits(n).mean()) for n in NS}
        rows.append(
            Row(
                model=model,
                quality=quality,
                protocol="p",
                queries=queries,
                queries_without_positives=0,
                database=DatabaseSide(images=2, model=model, quality="raw"),
                bytes_per_query=sizes.get(f"{model} {quality}", sizes.get(quality)),
                recall=recall,
                interval={n: (r, r) for n, r in recall.items()},
            )
        )
    return Results.compare(rows, outcomes, scene, references, Protocol().to_dict())


@pytest.fixture
def make_results() -> Callable[..., Results]:
    return results_of
