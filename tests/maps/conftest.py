"""A made-up street and made-up searches in it, for tests of calibration; places and pictures for maps on disk."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from lofivpr.maps.asked import Asked, near
from lofivpr.maps.evidence import SeenQuality
from lofivpr.maps.position import estimate
from lofivpr.models.preprocessing import Preprocessing
from lofivpr.places import Places

STREET = np.column_stack((np.arange(0, 4000, 10.0), np.zeros(400), np.zeros(400)))
"""400 places, ten metres apart: N x 3 metres."""
CHANNELS = {"raw": (None, None), "240p/jpeg:10": ("jpeg", 0.4), "240p/jpeg:2": ("jpeg", 0.1)}
NOISE = {"raw": 0.13, "240p/jpeg:10": 0.18, "240p/jpeg:2": 0.35}


def ask(quality: str, n: int = 400, seed: int = 0, k: int = 12, lost: bool = False) -> Asked:
    """n queries at places of the street, whose similarities fall off with distance and are noisier when coded.

    `lost`: they are from elsewhere, alike to all places by chance only.
    """
    rng = np.random.default_rng([seed, sorted(CHANNELS).index(quality)])
    truth = STREET[np.random.default_rng(seed).integers(len(STREET), size=n)]
    distance = np.abs(truth[:, :1] - STREET[None, :, 0])
    signal = 0.0 if lost else np.exp(-distance / 20) * rng.uniform(0.3, 1, (n, 1))
    alike = signal + rng.normal(0, NOISE[quality], (n, len(STREET)))
    rows = np.argsort(-alike, axis=1)[:, :k]
    similarity, points = np.take_along_axis(alike, rows, axis=1), STREET[rows]
    found = estimate(points, similarity, 25.0)
    codec, bits = CHANNELS[quality]
    at = truth + 1e6 if lost else truth
    return Asked(
        quality=quality,
        similarity=similarity,
        points=points,
        found=found,
        seen=(SeenQuality(codec, 240 if codec else 480, bits),) * n,
        n_bytes=np.full(n, -1 if bits is None else int(bits * 9600)),
        groups=np.arange(n) // 2,
        on_map=np.full(n, not lost),
        first_right=near(points[:, 0], at, 25.0),
        right=near(found.points, at, 25.0),
    )


@pytest.fixture(scope="session")
def ask_street() -> Callable[..., Asked]:
    """See `ask`."""
    return ask


# Maps on disk.


class Grey:
    """A describer without weights: the picture itself, 8 x 6, as a vector of unit length."""

    def __init__(self, digest: str = "grey0", teacher: str | None = None) -> None:
        self.name, self.digest, self.descriptor_size = "grey", digest, 144
        self.preprocessing = Preprocessing((8, 6), (0, 0, 0), (1, 1, 1))
        self.card = {"teacher": {"digest": teacher, "path": "teacher"}} if teacher else {}
        self.described = 0

    def describe(self, images: Sequence[np.ndarray], quality: object = None) -> np.ndarray:
        self.described += len(images)
        rows = np.stack([self.preprocessing.resize(image).reshape(-1) for image in images]).astype(np.float32) + 1
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))


@pytest.fixture
def grey() -> Grey:
    return Grey()


@pytest.fixture
def make_grey() -> type[Grey]:
    """The class, for describers of other digests."""
    return Grey


def make_places(n: int, root: Path = Path("pictures"), seed: int = 0, first: int = 0) -> Places:
    """Places about 11 m apart on a line north, three of a panorama, every seventh without a heading; no files."""
    numbers = np.arange(first, first + n)
    heading = np.where(numbers % 7 == 6, np.nan, numbers * 37.0 % 360)
    columns = {
        "image": [f"{number:05d}.png" for number in numbers],
        "lat": 52 + numbers * 1e-4,
        "lon": np.full(n, 4.0),
        "heading_deg": heading,
        "panorama": [f"p{number // 3}" for number in numbers],
    }
    return Places.from_table(root, pa.table(columns))


@pytest.fixture(scope="session")
def places_of() -> Callable[..., Places]:
    """See `make_places`."""
    return make_places


@pytest.fixture(scope="session")
def unit_rows() -> Callable[..., np.ndarray]:
    """n unit vectors of dimension d, float32."""

    def make(n: int, d: int = 24, seed: int = 0) -> np.ndarray:
        rows = np.random.default_rng(seed).normal(size=(n, d)).astype(np.float32)
        return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True))

    return make


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., Places]:
    """Write n pictures and give their places, see `make_places`."""

    def make(n: int, folder: str = "pictures", first: int = 0) -> Places:
        (tmp_path / folder).mkdir(exist_ok=True)
        for number in range(first, first + n):
            pixels = np.random.default_rng(number).integers(0, 256, (6, 8, 3), np.uint8)
            Image.fromarray(pixels).save(tmp_path / folder / f"{number:05d}.png")
        return make_places(n, tmp_path / folder, first=first)

    return make
