"""Where in a picture a descriptor comes from: the teacher on the sharp query, and both on the low one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import cv2
import numpy as np

from lofivpr.errors import LofiError
from lofivpr.evaluation.arrival import sent_query
from lofivpr.evaluation.gallery import query_kinds
from lofivpr.evaluation.story import Focus, Side
from lofivpr.evaluation.thumbs import picture, thumbnail
from lofivpr.models import HEATMAP_KINDS, heatmap
from lofivpr.quality import Quality

if TYPE_CHECKING:
    from lofivpr.evaluation.results import Results

KINDS = ("residual-energy", "feature-norm")  # the first that the models allow
QUERIES = 3
T = TypeVar("T")


@dataclass(frozen=True)
class Map:
    """One model's map over one picture; `agreement` with the first map of its row (cosine, 1 = the same)."""

    side: Side
    uri: str
    agreement: float | None


@dataclass(frozen=True, eq=False)
class Shown:
    """A picture (uint8 H x W x 3) that a model is shown, and the quality that it went through."""

    model: Any
    image: np.ndarray
    quality: str


@dataclass(frozen=True, eq=False)
class Overlay:
    """A picture with a model's map over it (uint8 H x W x 3); `agreement` as in `Map`."""

    image: np.ndarray
    agreement: float | None


@dataclass(frozen=True)
class Heatmaps:
    """Rows of maps. `kind` says in words what is drawn; every map of a row has the same scale."""

    kind: str
    description: str
    rows: tuple[tuple[Map, ...], ...]


def heatmaps(results: Results, focus: Focus, seed: int = 0) -> Heatmaps | None:
    """Maps for a few queries that changed; None when the models are not at hand or have no such maps."""
    sides = _sides(focus)
    if any(side.model not in results.describers for side in sides):
        return None
    queries = _queries(results, focus, seed)
    drawn = first_kind(lambda kind: [_row(results, sides, query, kind) for query in queries])
    found = () if drawn is None else tuple(row for row in drawn[1] if row)
    return Heatmaps(drawn[0], HEATMAP_KINDS[drawn[0]], found) if drawn and found else None


def first_kind(draw: Callable[[str], T]) -> tuple[str, T] | None:
    """What `draw` gives for the first of `KINDS` that its models allow, and that kind; None where they allow none."""
    for kind in KINDS:
        try:
            return kind, draw(kind)
        except (LofiError, AttributeError):  # a model without features, or without NetVLAD
            continue
    return None


def _sides(focus: Focus) -> list[Side]:
    raw = Side(focus.before.model, "raw")
    return list(dict.fromkeys([raw, Side(focus.before.model, focus.quality), focus.after]))


def _queries(results: Results, focus: Focus, seed: int) -> list[int]:
    """Fixed queries first, then others: drawn by the same seed as the gallery."""
    rng = np.random.default_rng(seed)
    kinds = query_kinds(results, focus)
    order = ("fixed", "broken", "both wrong", "both right")
    return [int(q) for kind in order for q in rng.permutation(kinds[kind])][:QUERIES]


def _row(results: Results, sides: list[Side], query: int, kind: str) -> tuple[Map, ...]:
    sharp = picture(results.scene.root, results.scene.query_images[query])
    if sharp is None:
        return ()
    seen = [sent_query(results.scene, query, sharp, side.quality) for side in sides]
    if not all(one.whole for one in seen):
        return ()
    pairs = zip(sides, seen, strict=True)
    shown = [Shown(results.describers[side.model], one.image, side.quality) for side, one in pairs]
    drawn = overlays(shown, kind, (sharp.shape[1], sharp.shape[0]))
    return tuple(Map(side, thumbnail(one.image), one.agreement) for side, one in zip(sides, drawn, strict=True))


def overlays(shown: Sequence[Shown], kind: str, size: tuple[int, int]) -> list[Overlay]:
    """Maps of one scene on one scale.

    Args:
        kind: of `HEATMAP_KINDS`. size: width and height of the pictures returned.

    Raises:
        LofiError, AttributeError: a model that has no such map.
    """
    shares = [_share(one.model, one.image, kind, one.quality) for one in shown]
    top = float(np.percentile(np.stack(shares), 99.5))
    found = []
    for index, (one, share) in enumerate(zip(shown, shares, strict=True)):
        agreement = cosine(share, shares[0]) if index else None
        found.append(Overlay(overlay(cv2.resize(one.image, size), share / top), agreement))
    return found


def _share(describer: Any, image: np.ndarray, kind: str, quality: str) -> np.ndarray:
    """The map as shares of its sum, so that maps of two models can have one scale."""
    values = heatmap(describer, image, kind, quality=Quality.parse(quality)).astype(np.float64)
    return values / max(float(values.sum()), 1e-12)


def cosine(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine between two maps about their means (Pearson's correlation); 0 for a flat map."""
    x, y = a.ravel() - a.mean(), b.ravel() - b.mean()
    scale = float(np.linalg.norm(x) * np.linalg.norm(y))
    return float(x @ y) / scale if scale > 0 else 0.0


def overlay(image: np.ndarray, heat: np.ndarray) -> np.ndarray:
    """A map in the colours of `inferno` over the picture in grey, the clearer the hotter.

    Args:
        image: uint8 H x W x 3. heat: h x w, 0 (cold) to 1 (hot), clipped.

    Returns:
        uint8 H x W x 3.
    """
    import matplotlib

    height, width = image.shape[:2]
    smooth = cv2.resize(np.clip(heat, 0, 1).astype(np.float32), (width, height), interpolation=cv2.INTER_CUBIC)
    colour = matplotlib.colormaps["inferno"](np.clip(smooth, 0, 1))[..., :3] * 255
    grey = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    weight = 0.3 + 0.6 * smooth[..., None]
    return np.clip(weight * colour + (1 - weight) * grey, 0, 255).astype(np.uint8)
