"""Degraded, preprocessed batches, made by worker threads ahead of the model."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from lofivpr.cores import usable_cores
from lofivpr.models import Preprocessing
from lofivpr.places import Places
from lofivpr.quality import Quality
from lofivpr.training.quality_cache import QualityCache
from lofivpr.training.sampling import Batch

AHEAD = 3  # batches in flight: enough to hide decoding and encoding, few enough to bound memory


def load_picture(cache: QualityCache, row: int, quality: Quality, preprocessing: Preprocessing) -> np.ndarray:
    """Picture `row` as the receiver of `quality` sees it: float32 3 x H x W, ready for the model."""
    return preprocessing.to_array([cache.picture(row, quality)])[0]


def load_batches(
    places: Places,
    batches: Iterable[Batch],
    preprocessing: Preprocessing,
    workers: int | None = None,
    cache: QualityCache | None = None,
) -> Iterator[tuple[Batch, np.ndarray]]:
    """Yield each batch with its pictures, float32 N x 3 x H x W, in order.

    With a cache of `places`, what was encoded ahead is only decoded. Decoding and the codecs release the
    interpreter lock, so `workers` are threads; default: one a core, shared by the processes of `torchrun`.
    """
    cache = cache or QualityCache(places)  # an empty one
    workers = workers or max(2, usable_cores() // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))
    pending: deque[tuple[Batch, list[Future[np.ndarray]]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for batch in batches:
                jobs = [
                    pool.submit(load_picture, cache, int(row), quality, preprocessing)
                    for row, quality in zip(batch.indices, batch.qualities, strict=True)
                ]
                pending.append((batch, jobs))
                if len(pending) > AHEAD:
                    yield _collect(*pending.popleft())
            while pending:
                yield _collect(*pending.popleft())
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _collect(batch: Batch, jobs: list[Future[np.ndarray]]) -> tuple[Batch, np.ndarray]:
    return batch, np.stack([job.result() for job in jobs])
