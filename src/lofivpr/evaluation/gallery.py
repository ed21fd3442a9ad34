"""Queries with what each model retrieved: drawn by seed from those that the student fixed, broke, or left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lofivpr.evaluation.arrival import sent_query
from lofivpr.evaluation.outcome import Scene
from lofivpr.evaluation.story import Focus, Side
from lofivpr.evaluation.theme import bytes_text
from lofivpr.evaluation.thumbs import picture, thumbnail

if TYPE_CHECKING:
    from lofivpr.evaluation.results import Results

SHOWN = {"fixed": 4, "broken": 2, "both wrong": 1}
SHOWN_ALONE = {"broken": 4, "fixed": 1, "both wrong": 1}  # of one model: what it lost comes first
MOST_SIDES = 4
RETRIEVED = 3


@dataclass(frozen=True)
class Retrieved:
    """One retrieved picture: its thumbnail, whether it is a positive, and how far from the query it is."""

    rank: int
    image: str
    uri: str | None
    right: bool
    metres: float

    @property
    def caption(self) -> str:
        """Distance, or right and wrong in words where there are no positions."""
        if np.isfinite(self.metres):
            return f"{self.metres:.0f} m" if self.metres < 1000 else f"{self.metres / 1000:.1f} km"
        return "right" if self.right else "wrong"


@dataclass(frozen=True)
class Answer:
    """What one model at one quality retrieved for the query; `rank` of its first right one, 0 if none."""

    side: Side
    rank: int
    retrieved: tuple[Retrieved, ...]


@dataclass(frozen=True)
class Case:
    """A query: sharp, as it was sent, and each model's answer."""

    kind: str
    query: str
    sharp: str
    sent: str
    size: str
    answers: tuple[Answer, ...]


def query_kinds(results: Results, focus: Focus) -> dict[str, np.ndarray]:
    """Query numbers by what changed from `focus.before` to `focus.after` in first place (R@1)."""
    before = results.outcomes[focus.before.model, focus.before.quality]
    after = results.outcomes[focus.after.model, focus.after.quality]
    counted = results.scene.counted & before.measured & after.measured
    was, now = before.hits(1), after.hits(1)
    kinds = {
        "fixed": ~was & now,
        "broken": was & ~now,
        "both wrong": ~was & ~now,
        "both right": was & now,
    }
    return {kind: np.flatnonzero(mask & counted) for kind, mask in kinds.items()}


def gallery_sides(results: Results, focus: Focus) -> list[Side]:
    """The two that are compared, then other models at the same quality, at most four in all."""
    others = [m for m in results.models if m not in (focus.before.model, focus.after.model)]
    return [focus.before, focus.after, *(Side(m, focus.quality) for m in others)][:MOST_SIDES]


def gallery(results: Results, focus: Focus, seed: int = 0) -> list[Case]:
    """Cases of each kind, drawn at random by `seed`; pictures that cannot be read are passed over."""
    rng = np.random.default_rng(seed)
    cases, kinds = [], query_kinds(results, focus)
    for kind, wanted in (SHOWN if focus.is_pair else SHOWN_ALONE).items():
        for query in rng.permutation(kinds[kind]):
            if wanted == 0:
                break
            case = _case(results, focus, kind, int(query))
            if case is not None:
                cases.append(case)
                wanted -= 1
    return cases


def _case(results: Results, focus: Focus, kind: str, query: int) -> Case | None:
    scene = results.scene
    name = scene.query_images[query]
    sharp = picture(scene.root, name)
    if sharp is None:
        return None
    low = sent_query(scene, query, sharp, focus.quality)
    sides = gallery_sides(results, focus)
    answers = [_answer(results, scene, side, query) for side in sides]
    size = low.note + (f", {bytes_text(low.n_bytes)}" if low.n_bytes else "")
    return Case(kind, name, thumbnail(sharp), thumbnail(low.image, quality=90), size, tuple(answers))


def _answer(results: Results, scene: Scene, side: Side, query: int) -> Answer:
    outcome = results.outcomes[side.model, side.quality]
    rows = [int(row) for row in outcome.indices[query, :RETRIEVED] if row >= 0]
    retrieved = tuple(_retrieved(scene, query, row, rank) for rank, row in enumerate(rows, start=1))
    return Answer(side, int(outcome.ranks[query]), retrieved)


def _retrieved(scene: Scene, query: int, row: int, rank: int) -> Retrieved:
    name = scene.database_images[row]
    pixels = picture(scene.root, name)
    uri = None if pixels is None else thumbnail(pixels)
    right = bool(np.isin(row, scene.positives[query]))
    return Retrieved(rank, name, uri, right, scene.metres(query, row))
