"""One query at every quality: what the channel leaves of it, and which model still finds it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.evaluation.arrival import sent_query
from lofivpr.evaluation.gallery import gallery_sides, query_kinds
from lofivpr.evaluation.story import Focus
from lofivpr.evaluation.theme import bytes_text
from lofivpr.evaluation.thumbs import picture, thumbnail

if TYPE_CHECKING:
    from lofivpr.evaluation.results import Results


@dataclass(frozen=True)
class Frame:
    """The query at one quality; `ranks`: model -> rank of the first right picture, 0 if none."""

    quality: str
    uri: str
    note: str
    ranks: dict[str, int]


def filmstrip(results: Results, focus: Focus, seed: int = 0) -> list[Frame]:
    """Frames in the order of the qualities, for the models of the gallery; empty when no query can be read."""
    models = list(dict.fromkeys(side.model for side in gallery_sides(results, focus)))
    for query in _candidates(results, focus, seed):
        sharp = picture(results.scene.root, results.scene.query_images[query])
        if sharp is not None:
            return [_frame(results, models, sharp, quality, query) for quality in results.qualities]
    return []


def _candidates(results: Results, focus: Focus, seed: int) -> list[int]:
    """Queries that changed first, and among these those that were right before the channel."""
    rng = np.random.default_rng(seed)
    kinds = query_kinds(results, focus)
    order = [int(q) for kind in ("fixed", "broken", "both right", "both wrong") for q in rng.permutation(kinds[kind])]
    sharp = results.outcomes.get((focus.before.model, "raw"))
    return order if sharp is None else sorted(order, key=lambda query: not sharp.hits(1)[query])


def _frame(results: Results, models: list[str], sharp: np.ndarray, quality: str, query: int) -> Frame:
    seen = sent_query(results.scene, query, sharp, quality)
    parts = [seen.note]
    parts += [bytes_text(seen.n_bytes)] if seen.n_bytes is not None else []
    parts += [f"{seen.psnr:.1f} dB"] if seen.psnr is not None else []
    ranks = {model: int(results.outcomes[model, quality].ranks[query]) for model in models}
    return Frame(quality, thumbnail(seen.image, quality=90), " · ".join(parts), ranks)
