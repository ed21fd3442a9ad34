"""The qualities of each training picture: K draws from the ladder, fixed by the seed."""

from __future__ import annotations

from collections import Counter
from functools import cached_property

import numpy as np

from lofivpr.media import image_size
from lofivpr.places import Places
from lofivpr.quality import Quality, QualityRange
from lofivpr.training.recipe import Recipe
from lofivpr.training.streams import Streams


class Draws:
    """K = `recipe.draws` qualities for every picture, whatever the epoch and the order they are asked in.

    The entries of the ladder are dealt evenly: for each draw number, over the pictures, each entry comes up
    equally often, and a picture has no entry twice before it has had all. Within a range, height and setting
    are uniform. Of a range of streams a clip or sequence draws for all its pictures, since it is sent as a whole: its
    first time for whoever sees the entry the first time, and so on.
    """

    def __init__(self, recipe: Recipe, places: Places) -> None:
        self.recipe, self.places = recipe, places
        self.ladder = recipe.ladder
        length = len(self.ladder)
        rng = np.random.default_rng([recipe.seed, len(places)])
        # As many pictures as there are entries make a Latin square: its rows are turns of one shuffled ladder.
        square, turn = np.divmod(rng.permutation(len(places)), length)
        shuffled = rng.permuted(np.tile(np.arange(length), (-(-len(places) // length), 1)), axis=1)
        turns = (turn[:, None] + np.arange(recipe.draws)) % length
        self.entries = shuffled[square[:, None], turns]  # N x K
        self._same: dict[Quality, Quality] = {}
        self._known: dict[int, tuple[Quality, ...]] = {}
        self._orders: dict[int, np.ndarray] = {}

    def of(self, row: int) -> tuple[Quality, ...]:
        """The K qualities of picture `row`.

        Raises:
            QualityError: even the lowest height of an entry is above the picture's.
        """
        if row not in self._known:
            rng = np.random.default_rng([self.recipe.seed, len(self.places), row])
            entries = [self.ladder[int(entry)] for entry in self.entries[row]]
            size = image_size(self.places.images[row], self.places.root) if any(map(_of_heights, entries)) else None
            times: Counter[int] = Counter()
            found = []
            for number, entry in zip(self.entries[row].tolist(), entries, strict=True):
                streamed = entry.low.is_stream
                found.append(self._draw(entry, size, self._of_stream(row, number, times[number]) if streamed else rng))
                times[number] += 1
            self._known[row] = tuple(found)
        return self._known[row]

    def _of_stream(self, row: int, entry: int, time: int) -> np.random.Generator:
        return np.random.default_rng([self.recipe.seed, len(self.places), self._home[row], entry, time])

    @cached_property
    def _home(self) -> dict[int, int]:
        """Row to the number of its clip or sequence."""
        return Streams(self.places).home

    def number(self, turn: int) -> int:
        """Which of the K is shown at a picture's turn: in K turns each once, then each once in another order."""
        cycle, place = divmod(turn, self.recipe.draws)
        if cycle not in self._orders:
            rng = np.random.default_rng([self.recipe.seed, cycle])
            self._orders[cycle] = rng.permutation(self.recipe.draws)
        return int(self._orders[cycle][place])

    def _draw(self, entry: QualityRange, size: tuple[int, int] | None, rng: np.random.Generator) -> Quality:
        if entry.low == entry.high:
            return entry.low
        quality = entry.draw(rng, size if _of_heights(entry) else None)
        return self._same.setdefault(quality, quality)  # one object for millions of draws


def _of_heights(entry: QualityRange) -> bool:
    """Whether the height is drawn, and then none above the picture's."""
    return entry.low.height != entry.high.height
