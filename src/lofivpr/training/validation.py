"""Recall on validation panoramas cut out of the training split by area: the test split stays unseen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from lofivpr.evaluation import recall_at
from lofivpr.models import PlaceModel
from lofivpr.places import Cases, Places, Positives, Protocol
from lofivpr.quality import Quality
from lofivpr.search import nearest
from lofivpr.training.loader import load_batches
from lofivpr.training.quality_cache import QualityCache
from lofivpr.training.sampling import Batch

BATCH = 32
QUERIES = 300  # fewer would let chance choose the epoch; more would cost more than it tells


@dataclass(frozen=True)
class Validation:
    """Every validation picture is a query at one quality of the ladder, or at several where there are few
    pictures; the same each epoch.

    Attributes:
        places: the validation pictures.
        cases: leave-panorama-out queries, database and positives; query row q is picture `rows[q]`.
        rows: int64 Q, the picture of each query.
        qualities: Q, the quality of each query.
        streams: what streams bring of the queries; None = they are sent anew each time.
        database: N x D descriptors of the raw pictures by the teacher; None = by the model itself.
    """

    places: Places
    cases: Cases
    rows: np.ndarray
    qualities: tuple[Quality, ...]
    database: np.ndarray | None
    streams: QualityCache | None = None

    @classmethod
    def build(
        cls,
        places: Places,
        positives: str,
        ladder: list[Quality],
        teacher: PlaceModel | None,
        folder: Path | None = None,
    ) -> Validation:
        """Assign qualities in turn, and describe the database once if a teacher holds it.

        What streams bring is kept in `folder`, as of training pictures; others are encoded each time.
        """
        protocol = Protocol(name="leave-panorama-out", positives=Positives.parse(positives))
        repeats = min(len(ladder), -(-QUERIES // len(places)))
        rows = np.tile(np.arange(len(places)), repeats)
        qualities = tuple(ladder[(row + query // len(places)) % len(ladder)] for query, row in enumerate(rows))
        database = None if teacher is None else _describe_raw(teacher, places)
        streams = None if folder is None else _sent(places, rows, qualities, folder)
        return cls(places, protocol.cases(places), rows, qualities, database, streams)

    def standard_error(self, recall: float) -> float:
        """Of a recall in percent over this many queries, were they independent: what an epoch may differ by chance."""
        share = min(max(recall / 100, 0.0), 1.0)
        return 100 * math.sqrt(share * (1 - share) / len(self.rows))

    def recall(self, model: PlaceModel) -> dict[str, float]:
        """Percent recall@1 and @5 over all pictures, each at its quality.

        Asymmetric where there is a teacher: the database keeps the teacher's descriptors.
        """
        queries = _describe(model, self.places, self.rows, self.qualities, self.streams)
        database = _describe_raw(model, self.places) if self.database is None else self.database
        excluded = None if self.cases.excluded is None else [self.cases.excluded[row] for row in self.rows]
        found = nearest(queries, database, k=5, excluded=excluded)
        recall = recall_at(found.indices, [self.cases.positives[row] for row in self.rows], ns=(1, 5))
        return {"recall@1": float(recall[1]), "recall@5": float(recall[5])}


def _sent(places: Places, rows: np.ndarray, qualities: tuple[Quality, ...], folder: Path) -> QualityCache:
    orders: dict[int, list[Quality]] = {}
    for row, quality in zip(rows.tolist(), qualities, strict=True):
        if quality.is_stream:
            orders.setdefault(row, []).append(quality)
    return QualityCache.build(places, orders.items(), folder)


def _describe_raw(model: PlaceModel, places: Places) -> np.ndarray:
    return _describe(model, places, np.arange(len(places)), (Quality.RAW,) * len(places))


@torch.inference_mode()
def _describe(
    model: PlaceModel,
    places: Places,
    rows: np.ndarray,
    qualities: tuple[Quality, ...],
    cache: QualityCache | None = None,
) -> np.ndarray:
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    batches = (
        Batch(rows[start : start + BATCH], qualities[start : start + BATCH]) for start in range(0, len(rows), BATCH)
    )
    described = []
    for batch, pixels in load_batches(places, batches, model.preprocessing, cache=cache):
        known = model.conditions(batch.qualities, len(pixels))
        output = model(torch.from_numpy(pixels).to(device), None if known is None else known.to(device))
        described.append(output.descriptor.float().cpu().numpy())
    model.train(was_training)
    return np.concatenate(described)
