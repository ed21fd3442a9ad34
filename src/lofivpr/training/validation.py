"""Recall on validation panoramas cut out of the training split by area: the test split stays unseen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from lofivpr.evaluation import recall_at
from lofivpr.models import PlaceModel, Preprocessing
from lofivpr.places import Cases, Places, Positives, Protocol
from lofivpr.quality import Quality
from lofivpr.search import nearest
from lofivpr.training.loader import load_batches
from lofivpr.training.sampling import Batch

BATCH = 32


@dataclass(frozen=True)
class Validation:
    """Every validation picture is once a query, seen at one quality of the ladder, the same each epoch.

    Attributes:
        places: the validation pictures.
        cases: leave-panorama-out queries, database and positives.
        qualities: one of the ladder per picture.
        database: N x D descriptors of the raw pictures by the teacher; None = by the model itself.
    """

    places: Places
    cases: Cases
    qualities: tuple[Quality, ...]
    database: np.ndarray | None

    @classmethod
    def build(cls, places: Places, positives: str, ladder: list[Quality], teacher: PlaceModel | None) -> Validation:
        """Assign qualities in turn, and describe the database once if a teacher holds it."""
        protocol = Protocol(name="leave-panorama-out", positives=Positives.parse(positives))
        qualities = tuple(ladder[row % len(ladder)] for row in range(len(places)))
        raw = (Quality.RAW,) * len(places)
        database = None if teacher is None else _describe(teacher, places, raw, teacher.preprocessing)
        return cls(places, protocol.cases(places), qualities, database)

    def recall(self, model: PlaceModel) -> dict[str, float]:
        """Percent recall@1 and @5 over all pictures, each at its quality.

        Asymmetric where there is a teacher: the database keeps the teacher's descriptors.
        """
        queries = _describe(model, self.places, self.qualities, model.preprocessing)
        database = self.database
        if database is None:
            database = _describe(model, self.places, (Quality.RAW,) * len(self.places), model.preprocessing)
        found = nearest(queries, database, k=5, excluded=self.cases.excluded)
        recall = recall_at(found.indices, self.cases.positives, ns=(1, 5))
        return {"recall@1": float(recall[1]), "recall@5": float(recall[5])}


@torch.inference_mode()
def _describe(
    model: PlaceModel, places: Places, qualities: tuple[Quality, ...], preprocessing: Preprocessing
) -> np.ndarray:
    was_training = model.training
    model.eval()
    device = next(model.parameters()).device
    batches = (
        Batch(np.arange(start, min(start + BATCH, len(places))), qualities[start : start + BATCH])
        for start in range(0, len(places), BATCH)
    )
    described = [
        model(torch.from_numpy(pixels).to(device)).descriptor.float().cpu().numpy()
        for _, pixels in load_batches(places, batches, preprocessing)
    ]
    model.train(was_training)
    return np.concatenate(described)
