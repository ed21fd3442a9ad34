"""What was found for every query: kept beside the rows, for paired differences, galleries and maps."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.evaluation.recall import SKIPPED, hits_of_ranks
from lofivpr.files import atomic_path


@dataclass(frozen=True)
class Outcome:
    """One model at one quality over all Q queries.

    ranks: int64 Q, rank of the first positive from 1; 0 = not among the k; -1 = the query was skipped.
    indices: int64 Q x k database rows, -1 pads. distances: float32 Q x k, squared L2.
    """

    ranks: np.ndarray
    indices: np.ndarray
    distances: np.ndarray

    def hits(self, n: int) -> np.ndarray:
        """Bool Q: whether a positive is among the first n."""
        return hits_of_ranks(self.ranks, [n])[:, 0]

    @property
    def measured(self) -> np.ndarray:
        """Bool Q: the queries that were not skipped."""
        return self.ranks != SKIPPED


@dataclass(frozen=True)
class Scene:
    """Queries and database of an evaluation: what every outcome's rows and columns mean.

    query_xy, database_xy: float64 N x 2, metres in one frame, NaN where unknown.
    groups: int64 Q, the panorama or sequence of each query. counted: bool Q, queries that recall is over.
    sequences: all pictures of each sequence in order, where queries were sent as streams.
    """

    query_images: tuple[str, ...]
    database_images: tuple[str, ...]
    query_xy: np.ndarray
    database_xy: np.ndarray
    positives: tuple[np.ndarray, ...]
    groups: np.ndarray
    counted: np.ndarray
    root: Path | None = None
    sequences: tuple[tuple[str, ...], ...] = ()

    @property
    def has_positions(self) -> bool:
        """Whether any query and any database picture has a position in metres."""
        return bool(np.isfinite(self.query_xy).any() and np.isfinite(self.database_xy).any())

    def metres(self, query: int, database: int) -> float:
        """Distance between a query and a database picture, NaN where a position is unknown."""
        return float(np.hypot(*(self.query_xy[query] - self.database_xy[database])))


Outcomes = dict[tuple[str, str], Outcome]


def save_outcomes(path: str | Path, scene: Scene, outcomes: Outcomes) -> None:
    """Write scene and outcomes to one .npz: `indices` and `distances` are rows x queries x k."""
    keys = list(outcomes)
    lengths = [len(p) for p in scene.positives]
    flat = np.concatenate([*scene.positives, np.zeros(0, np.int64)]).astype(np.int64)
    with atomic_path(path) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(
            stream,
            models=np.array([model for model, _ in keys], np.str_),
            qualities=np.array([quality for _, quality in keys], np.str_),
            ranks=np.stack([outcomes[key].ranks for key in keys]),
            indices=np.stack([outcomes[key].indices for key in keys]).astype(np.int32),
            distances=np.stack([outcomes[key].distances for key in keys]),
            query_images=np.array(scene.query_images, np.str_),
            database_images=np.array(scene.database_images, np.str_),
            query_xy=scene.query_xy,
            database_xy=scene.database_xy,
            positives=flat,
            positives_end=np.cumsum(lengths, dtype=np.int64),
            groups=scene.groups,
            counted=scene.counted,
            root=np.array(str(scene.root or ""), np.str_),
            sequence_images=np.array([image for one in scene.sequences for image in one], np.str_),
            sequences_end=np.cumsum([len(one) for one in scene.sequences], dtype=np.int64),
        )


def _sequences(data: dict[str, np.ndarray]) -> tuple[tuple[str, ...], ...]:
    """None are in files of former versions."""
    parts = np.split(data["sequence_images"], data["sequences_end"][:-1]) if len(data.get("sequences_end", ())) else []
    return tuple(tuple(map(str, part)) for part in parts)


def load_outcomes(path: str | Path, root: Path | None = None) -> tuple[Scene, Outcomes]:
    """Read what `save_outcomes` wrote.

    Args:
        root: where the pictures are now; default: where they were.

    Raises:
        LofiError: the file is missing or not one of ours.
    """
    try:
        data = dict(np.load(path, allow_pickle=False))
        there = str(data["root"])
        scene = Scene(
            query_images=tuple(map(str, data["query_images"])),
            database_images=tuple(map(str, data["database_images"])),
            query_xy=data["query_xy"],
            database_xy=data["database_xy"],
            positives=tuple(np.split(data["positives"], data["positives_end"][:-1])),
            groups=data["groups"],
            counted=data["counted"],
            root=root or (Path(there) if there else None),
            sequences=_sequences(data),
        )
        keys = zip(map(str, data["models"]), map(str, data["qualities"]), strict=True)
        outcomes = {
            key: Outcome(data["ranks"][i], data["indices"][i].astype(np.int64), data["distances"][i])
            for i, key in enumerate(keys)
        }
    except (OSError, KeyError, ValueError) as error:
        raise LofiError(
            f"expected the neighbours of an evaluation in {path}, found: {error}. "
            "Run the evaluation again with this output folder."
        ) from error
    return scene, outcomes
