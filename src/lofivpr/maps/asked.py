"""Queries with known positions, sent through qualities and searched in a map: what calibration and honesty look at."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from lofivpr.descriptors import DescriptorStore
from lofivpr.maps.evidence import SeenQuality
from lofivpr.maps.map import Map
from lofivpr.maps.position import Estimates, estimate
from lofivpr.media import image_size
from lofivpr.models import Describer
from lofivpr.places import Places
from lofivpr.quality import Quality

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Asked:
    """Q queries at one quality, K candidates each, and the answers without a probability.

    Attributes:
        quality: its canonical text.
        similarity: float64 Q x K, best first; -inf where the map has fewer.
        points: float64 Q x K x 3 metres, NaN where the map has fewer.
        found: positions.
        seen: Q qualities as a receiver sees them.
        n_bytes: int64 Q, -1 without a codec.
        groups: int64 Q, equal for pictures of one panorama (see `Places.groups`).
        on_map: bool Q, False for those whose surroundings were taken out of the map.
        first_right: bool Q, whether the best candidate is within reach of the truth.
        right: bool Q, whether the position is.
    """

    quality: str
    similarity: Floats
    points: Floats
    found: Estimates
    seen: tuple[SeenQuality, ...]
    n_bytes: Indices
    groups: Indices
    on_map: Bools
    first_right: Bools
    right: Bools

    def __len__(self) -> int:
        return len(self.right)


@dataclass(frozen=True, eq=False)
class Questions:
    """Pictures to ask a map with.

    Attributes:
        queries: with positions.
        sizes: int64 Q x 2, width and height of each picture.
        excluded: rows of the map that a query may not find (its own panorama, an area that is to be missing), or
            None.
        absent: bool Q, those whose surroundings are excluded, or None.
    """

    queries: Places
    sizes: Indices
    excluded: Sequence[Indices] | None = None
    absent: Bools | None = None

    @classmethod
    def of(cls, queries: Places, excluded: Sequence[Indices] | None = None, absent: Bools | None = None) -> Questions:
        """Look at every picture for its size.

        Raises:
            LofiError: a picture cannot be read, or has no position.
        """
        queries.require("easting", "judging answers")
        with ThreadPoolExecutor() as pool:
            sizes = list(pool.map(lambda image: image_size(image, queries.root), queries.images))
        return cls(queries, np.array(sizes, np.int64), excluded, absent)

    def ask(
        self, town: Map, describer: Describer, quality: Quality, k: int, within_m: float, cache: Path, progress: bool
    ) -> Asked:
        """Send the pictures through a quality, describe them, and search the map.

        `cache`: a folder for the descriptors, so that the same question is not described twice.

        Raises:
            LofiError: the quality does not fit a picture, or the model does not fit the map.
        """
        images, root = self.queries.images, self.queries.root
        store = DescriptorStore.build(
            cache / f"{quality.digest}-{self.queries.digest}-{describer.digest}",
            *(describer, images, root, quality),
            progress=progress,
        )
        similarity, rows = search(town, store.array(), k, self.excluded)
        points = np.where((rows >= 0)[..., None], town.places.points()[rows], np.nan)
        found = estimate(points, similarity, within_m)
        truth = self.queries.points()
        return Asked(
            quality=str(quality),
            similarity=similarity,
            points=points,
            found=found,
            seen=tuple(self._seen(quality, row, int(n)) for row, n in enumerate(store.n_bytes)),
            n_bytes=store.n_bytes,
            groups=self.queries.groups(),
            on_map=np.ones(len(images), bool) if self.absent is None else ~self.absent,
            first_right=near(points[:, 0], truth, within_m),
            right=near(found.points, truth, within_m),
        )

    def _seen(self, quality: Quality, row: int, n_bytes: int) -> SeenQuality:
        width, height = (int(pixels) for pixels in self.sizes[row])
        return SeenQuality.of(quality.codec, quality.output_size((width, height)), None if n_bytes < 0 else n_bytes)


def near(points: Floats, truth: Floats, within_m: float) -> Bools:
    """bool Q: whether points (Q x 3 metres, NaN: nowhere) lie within so many metres of the truth (Q x 3)."""
    distance = np.linalg.norm(points - truth, axis=1)
    return np.asarray(np.nan_to_num(distance, nan=np.inf) <= within_m)


def search(
    town: Map, descriptors: np.ndarray, k: int, excluded: Sequence[Indices] | None = None
) -> tuple[Floats, Indices]:
    """Cosine similarity (float64) and rows (int64) of the k nearest places, both Q x k; -inf and -1 where fewer.

    Args:
        excluded: rows that each query may not find; they are searched for and dropped.
    """
    spare = max(map(len, excluded), default=0) if excluded is not None else 0
    found = town.nearest(descriptors, min(k + spare, len(town)))
    rows, distances = found.indices, found.distances.astype(np.float64)
    if excluded is not None:
        banned = np.array([np.isin(row, out) for row, out in zip(rows, excluded, strict=True)]).reshape(rows.shape)
        order = np.argsort(banned, axis=1, kind="stable")
        rows = np.take_along_axis(np.where(banned, -1, rows), order, axis=1)
        distances = np.take_along_axis(np.where(banned, np.inf, distances), order, axis=1)
    missing = max(0, k - rows.shape[1])
    rows = np.pad(rows[:, :k], ((0, 0), (0, missing)), constant_values=-1)
    distances = np.pad(distances[:, :k], ((0, 0), (0, missing)), constant_values=np.inf)
    return np.where(rows >= 0, 1 - distances / 2, -np.inf), rows
