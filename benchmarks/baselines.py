"""The straightforward way, in our own words: what the ratios are ratios to. Those of networks: `baselines_torch`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from lofivpr.quality import Quality


def recall_by_loop(indices: np.ndarray, positives: list[np.ndarray]) -> dict[int, float]:
    """Recall@n by looking at every query, n and neighbour."""
    found = {}
    for n in (1, 2, 5, 10, 15, 20, 25):
        hits = 0
        for row, right in zip(indices, positives, strict=True):
            if any(int(i) in right for i in row[:n]):
                hits += 1
        found[n] = 100 * hits / len(indices)
    return found


def hdf5_by_picture(path: Path, descriptors: np.ndarray) -> None:
    """One data set for each picture, as hloc keeps features."""
    with h5py.File(path, "w") as file:
        for number, row in enumerate(descriptors):
            file.create_dataset(f"{number:06d}.jpg/global_descriptor", data=row)


def files_by_quality(root: Path, images: Sequence[str], quality: Quality, out: Path) -> list[np.ndarray]:
    """A degraded copy of the data set: encode each picture, write it as PNG, open the copies again."""
    out.mkdir()
    for image in images:
        encoded = quality.encode(np.asarray(Image.open(root / image).convert("RGB")))
        Image.fromarray(encoded.image).save(out / f"{Path(image).stem}.png")
    return [np.asarray(Image.open(out / f"{Path(image).stem}.png")) for image in images]


def positives_by_all_pairs(queries: np.ndarray, database: np.ndarray, metres: float) -> list[np.ndarray]:
    """Every query against every picture of the database: float64 Q x 2 and N x 2, in metres."""
    distance = np.linalg.norm(queries[:, None] - database[None], axis=2)
    return [np.flatnonzero(row <= metres) for row in distance]


def nearest_in_ram(queries: np.ndarray, database: np.ndarray, k: int) -> np.ndarray:
    """All distances in one matrix, sorted: int64 Q x k."""
    database = np.asarray(database, np.float32)
    distance = (queries**2).sum(1)[:, None] + (database**2).sum(1)[None] - 2 * queries @ database.T
    return np.argsort(distance, axis=1)[:, :k]


def whitening_in_ram(descriptors: np.ndarray, dim: int) -> np.ndarray:
    """Singular value decomposition of all centred descriptors: dim x D."""
    centred = descriptors - descriptors.mean(axis=0)
    _, singular, directions = np.linalg.svd(centred, full_matrices=False)
    return directions[:dim] / (singular[:dim, None] / np.sqrt(len(descriptors) - 1))
