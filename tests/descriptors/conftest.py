"""A describer that needs no weights, and pictures to describe."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lofivpr.models.preprocessing import Preprocessing

SIZE = (8, 6)


class FakeDescriber:
    """Descriptor = the unit vector of the first D values of the picture, resized to 8 x 6."""

    def __init__(self, digest: str = "d0", dimension: int = 24, name: str = "fake") -> None:
        self.name, self.digest, self.descriptor_size = name, digest, dimension
        self.preprocessing = Preprocessing(SIZE, (0, 0, 0), (1, 1, 1))
        self.described: list[int] = []

    def describe(self, images: Sequence[np.ndarray], quality: Sequence[object] | None = None) -> np.ndarray:
        self.described.append(len(images))
        assert quality is not None and len(quality) == len(images)
        return np.stack([self.one(self.preprocessing.resize(image)) for image in images])

    def one(self, image: np.ndarray) -> np.ndarray:
        values = image.reshape(-1)[: self.descriptor_size].astype(np.float64) + 1
        return (values / np.sqrt((values * values).sum())).astype(np.float32)


class Stops:
    """A describer that fails in one way when it is asked for a given batch."""

    def __init__(self, inner: Any, batch: int, error: BaseException) -> None:
        self.inner, self.batch, self.error = inner, batch, error
        self.name, self.digest, self.descriptor_size = inner.name, inner.digest, inner.descriptor_size
        self.preprocessing = inner.preprocessing

    def describe(self, images: Sequence[np.ndarray], quality: Any = None) -> np.ndarray:
        if len(self.inner.described) == self.batch:
            raise self.error
        return self.inner.describe(images, quality)


@pytest.fixture
def describer() -> FakeDescriber:
    return FakeDescriber()


@pytest.fixture
def make_describer() -> type[FakeDescriber]:
    return FakeDescriber


@pytest.fixture
def make_pictures(tmp_path: Path) -> Callable[[int], list[str]]:
    """Write n small distinct pictures below tmp_path/pictures and return their references."""

    def make(n: int) -> list[str]:
        folder = tmp_path / "pictures"
        folder.mkdir(exist_ok=True)
        rng = np.random.default_rng(0)
        names = [f"{i:04d}.png" for i in range(n)]
        for name in names:
            pixels = rng.integers(0, 256, (12, 16, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / name)
        return names

    return make


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "pictures"


@pytest.fixture
def stops() -> type[Stops]:
    return Stops
