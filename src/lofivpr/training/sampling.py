"""Which pictures make a batch, and at which quality each is seen. Stateless: (seed, epoch) decides all."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from lofivpr.errors import LofiError
from lofivpr.places import Places, Positives
from lofivpr.quality import Quality
from lofivpr.training.draws import Draws
from lofivpr.training.recipe import Recipe


@dataclass(frozen=True)
class Batch:
    """Pictures of one step.

    Attributes:
        indices: int64 N, rows of the training places; items lie one after another.
        qualities: N, the quality each picture is seen at.
    """

    indices: np.ndarray
    qualities: tuple[Quality, ...]

    def shard(self, rank: int, world: int, item: int) -> Batch:
        """The part of process `rank` out of `world`; items of `item` pictures stay together."""
        rows = np.arange(len(self.indices)).reshape(-1, item)[rank::world].ravel()
        return Batch(self.indices[rows], tuple(self.qualities[row] for row in rows))


class Relations:
    """Positives and negatives among the training pictures.

    A picture's own panorama never counts as its positive: it was taken at the same instant.
    Pictures without a position are negatives when their sequence, or else their place, differs.
    """

    def __init__(self, places: Places, positives: str, negative_radius_m: float) -> None:
        self.groups = places.groups()
        found = Positives.parse(positives).find(places, places)
        has_panoramas = any(value is not None for value in places.column("panorama"))
        self.positives = [
            rows[(self.groups[rows] != self.groups[i])] if has_panoramas else rows[rows != i]
            for i, rows in enumerate(found)
        ]
        self._xy = places.xy() if places.has_positions else None
        self._radius = negative_radius_m

    def negative(self, row: int, others: np.ndarray) -> np.ndarray:
        """Boolean mask over `others`: which are certainly another place than `row`."""
        if self._xy is None:
            far = self.groups[others] != self.groups[row]
        else:
            far = np.hypot(*(self._xy[others] - self._xy[row]).T) > self._radius
        return far & ~np.isin(others, self.positives[row])

    @property
    def anchors(self) -> np.ndarray:
        """Rows that have a positive. An isolated picture is never its own positive: it is left out."""
        rows = np.flatnonzero([len(rows) > 0 for rows in self.positives])
        if len(rows) == 0:
            raise LofiError(
                "expected training pictures with positives, found none: "
                "widen `positives` in the recipe (--set positives=50m) or take another split."
            )
        return rows


class Sampler:
    """Draws the batches of an epoch for a recipe."""

    def __init__(
        self, recipe: Recipe, places: Places, teacher_descriptors: Callable[[np.ndarray], np.ndarray] | None = None
    ) -> None:
        self.recipe = recipe
        self.count, self.places = len(places), places
        self.draws = Draws(recipe, places)
        self.descriptors = teacher_descriptors
        self.relations = (
            None if recipe.batch == "pictures" else Relations(places, recipe.positives, recipe.negative_radius_m)
        )
        self.anchors = np.arange(self.count) if self.relations is None else self.relations.anchors

    @property
    def steps(self) -> int:
        """Steps of an epoch: `steps_per_epoch`, or as many as show each anchor once.

        With batches of places an epoch shows about as many pictures as there are.
        """
        if self.recipe.steps_per_epoch is not None:
            return self.recipe.steps_per_epoch
        per_step = self._anchors_per_step * (self.recipe.per_place if self.recipe.batch == "places" else 1)
        return max(1, len(self.anchors) // per_step)

    @property
    def _anchors_per_step(self) -> int:
        return self.recipe.batch_size // self.recipe.views  # views are 1 but for batches of pictures

    @property
    def _rounds(self) -> int:
        """How often an anchor's turn may come in an epoch: more than once where `steps_per_epoch` asks for it."""
        return math.ceil(self.steps * self._anchors_per_step / len(self.anchors))

    def foreseen(self) -> Iterator[tuple[int, Sequence[Quality]]]:
        """Rows of pictures that a run may show, each with the qualities that it may be seen at."""
        rows = self.anchors if self.relations is None else range(self.count)
        turns = self.recipe.epochs * self._rounds * self.recipe.views
        # The others of a tuple or place are seen at any of their draws.
        seen = sorted({self.draws.number(turn) for turn in range(min(turns, self.recipe.draws))})
        for row in rows:
            qualities = self.draws.of(int(row))
            yield int(row), [qualities[draw] for draw in seen] if self.relations is None else qualities

    def epoch(self, epoch: int, first_step: int = 0) -> Iterator[Batch]:
        """Batches of `epoch` from `first_step` on; the same whatever was drawn before."""
        order = np.random.default_rng([self.recipe.seed, epoch]).permutation(self.anchors)
        size = self._anchors_per_step
        for step in range(first_step, self.steps):
            rng = np.random.default_rng([self.recipe.seed, epoch, step])
            rows: list[int] = []
            qualities: list[Quality] = []
            for position in range(step * size, (step + 1) * size):
                again, place = divmod(position, len(order))
                item = self._item(int(order[place]), rng)
                rows += [int(row) for row in item]
                qualities += self._seen(item, epoch * self._rounds + again, rng)
            yield Batch(np.array(rows, dtype=np.int64), tuple(qualities))

    def _seen(self, item: np.ndarray, time: int, rng: np.random.Generator) -> list[Quality]:
        """Qualities of an item's pictures: the anchor's next draw or draws, any of theirs for the others."""
        views = self.recipe.views
        if views > 1:
            return [self.draws.of(int(item[0]))[self.draws.number(time * views + view)] for view in range(views)]
        numbers = [self.draws.number(time), *rng.integers(self.recipe.draws, size=len(item) - 1)]
        return [self.draws.of(int(row))[number] for row, number in zip(item, numbers, strict=True)]

    def _item(self, anchor: int, rng: np.random.Generator) -> np.ndarray:
        if self.relations is None:
            return np.full(self.recipe.views, anchor)
        if self.recipe.batch == "tuples":
            return np.array([anchor, self._positive(anchor, rng), *self._negatives(anchor, rng)])
        positives = self.relations.positives[anchor]
        others = rng.choice(positives, self.recipe.per_place - 1, replace=len(positives) < self.recipe.per_place - 1)
        return np.array([anchor, *others])

    def _positive(self, anchor: int, rng: np.random.Generator) -> int:
        """The positive nearest in the teacher's descriptor space; any of them without a teacher."""
        assert self.relations is not None
        rows = self.relations.positives[anchor]
        if self.descriptors is None:
            return int(rng.choice(rows))
        known = self.descriptors(np.append(rows, anchor))
        similarity = known[:-1] @ known[-1]
        return int(rows[np.argmax(similarity)])

    def _negatives(self, anchor: int, rng: np.random.Generator) -> list[int]:
        """Random pictures farther than the negative radius, without repetition."""
        assert self.relations is not None
        order = rng.permutation(self.count)
        mask = self.relations.negative(anchor, order)
        found = order[mask & (order != anchor)][: self.recipe.negatives]
        if len(found) < self.recipe.negatives:
            raise LofiError(
                f"expected {self.recipe.negatives} pictures farther than {self.recipe.negative_radius_m} m "
                f"from {self.places.images[anchor]}, found {len(found)}: lower `negative_radius_m` or `negatives`."
            )
        return [int(row) for row in found]
