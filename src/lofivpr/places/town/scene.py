"""The plan of the town: streets on an irregular grid, blocks between them, and the two areas of the split."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lofivpr.errors import LofiError

RING = 14.0  # depth of the houses around the town
GAP_WIDTH = 72.0  # the column of blocks between the areas


@dataclass(frozen=True)
class Street:
    """A straight street. Axis 0 runs east (along x), 1 runs north; `width` is kerb to kerb, metres."""

    axis: int
    centre: float
    start: float
    end: float
    width: float

    def point(self, along: float, across: float = 0.0) -> tuple[float, float]:
        """(x, y) of a point `along` the axis, `across` metres from the middle (towards north or east)."""
        return (along, self.centre + across) if self.axis == 0 else (self.centre + across, along)

    @property
    def length(self) -> float:
        """Metres."""
        return self.end - self.start


@dataclass(frozen=True)
class Block:
    """A rectangle of pavement with houses along the named sides (south, north, east, west), or a park."""

    x0: float
    y0: float
    x1: float
    y1: float
    sides: str = "snew"
    park: bool = False


@dataclass(frozen=True)
class Layout:
    """Streets cut at crossings where a block closes them, blocks, and the x that bound the two areas."""

    streets: tuple[Street, ...]
    blocks: tuple[Block, ...]
    crossings: tuple[tuple[float, float, float, float], ...]
    size: tuple[float, float]
    train_end: float
    test_start: float

    def area(self, name: str) -> tuple[float, float]:
        """Range of x of the split `train` or `test`."""
        return (-np.inf, self.train_end) if name == "train" else (self.test_start, np.inf)

    def crossed(self, street: Street) -> list[tuple[float, float]]:
        """Stretches (low, high) along a street where it meets others."""
        a, found = street.axis, []
        for crossing in self.crossings:
            on = crossing[1 - a] < street.centre < crossing[3 - a]
            if on and street.start - 1 < crossing[a] and crossing[2 + a] < street.end + 1:
                found.append((crossing[a], crossing[2 + a]))
        return sorted(found)


def _lines(rng: np.random.Generator, count: int, low: float, high: float, gap: int) -> tuple[np.ndarray, np.ndarray]:
    """Kerbs of count + 1 streets with count blocks between: centres and widths."""
    widths = rng.uniform(7.4, 9.8, count + 1)
    spans = rng.uniform(low, high, count)
    if gap >= 0:
        spans[gap] = GAP_WIDTH
    steps = spans + (widths[1:] + widths[:-1]) / 2
    return np.concatenate([[0.0], np.cumsum(steps)]) + widths[0] / 2, widths


def _merges(rng: np.random.Generator, columns: int, rows: int, gap: int) -> dict[tuple[int, int], tuple[int, int]]:
    """Pairs of neighbouring cells made one block, which closes the street between them."""
    taken: set[tuple[int, int]] = set()
    merged: dict[tuple[int, int], tuple[int, int]] = {}
    for _ in range(columns * rows):
        i, j = int(rng.integers(columns)), int(rng.integers(rows))
        other = (i + 1, j) if rng.random() < 0.5 else (i, j + 1)
        if rng.random() > 0.22 or other[0] >= columns or other[1] >= rows or gap in (i, other[0]):
            continue
        if not taken & {(i, j), other}:
            taken |= {(i, j), other}
            merged[(i, j)] = other
    return merged


def _runs(closed: list[bool], starts: np.ndarray, ends: np.ndarray) -> list[tuple[float, float]]:
    """Open stretches of a street: `closed[j]` between crossing j and j + 1."""
    runs, first = [], 0
    for j in range(len(closed) + 1):
        if j == len(closed) or closed[j]:
            if j > first:
                runs.append((float(starts[first]), float(ends[j])))
            first = j + 1
    return runs


def make_layout(seed: int, train_columns: int, test_columns: int, rows: int = 4) -> Layout:
    """The plan of a town of train + 1 + test columns of blocks, by seed."""
    if min(train_columns, test_columns, rows) < 1:
        raise LofiError(f"expected at least 1 column a split and 1 row, found {train_columns}, {test_columns}, {rows}.")
    rng = np.random.default_rng([seed, 2])
    columns, gap = train_columns + 1 + test_columns, train_columns
    xs, wx = _lines(rng, columns, 46, 74, gap)
    ys, wy = _lines(rng, rows, 36, 56, -1)
    merged = _merges(rng, columns, rows, gap)
    streets = []
    for i in range(columns + 1):
        closed = [merged.get((i - 1, j)) == (i, j) for j in range(rows)]
        runs = _runs(closed, ys - wy / 2, ys + wy / 2)
        streets += [Street(1, float(xs[i]), a, b, float(wx[i])) for a, b in runs]
    for j in range(rows + 1):
        closed = [merged.get((i, j - 1)) == (i, j) for i in range(columns)]
        runs = _runs(closed, xs - wx / 2, xs + wx / 2)
        streets += [Street(0, float(ys[j]), a, b, float(wy[j])) for a, b in runs]
    blocks = _blocks(rng, xs, wx, ys, wy, merged)
    crossings = tuple(
        (float(x - w / 2), float(y - v / 2), float(x + w / 2), float(y + v / 2))
        for x, w in zip(xs, wx, strict=True)
        for y, v in zip(ys, wy, strict=True)
    )
    size = float(xs[-1] + wx[-1] / 2), float(ys[-1] + wy[-1] / 2)
    return Layout(tuple(streets), tuple(blocks), crossings, size, float(xs[gap] + 4), float(xs[gap + 1] - 4))


def _blocks(
    rng: np.random.Generator,
    xs: np.ndarray,
    wx: np.ndarray,
    ys: np.ndarray,
    wy: np.ndarray,
    merged: dict[tuple[int, int], tuple[int, int]],
) -> list[Block]:
    columns, rows = len(xs) - 1, len(ys) - 1
    skip, blocks = set(merged.values()), []
    for i in range(columns):
        for j in range(rows):
            if (i, j) in skip:
                continue
            k, m = merged.get((i, j), (i, j))
            x0, x1 = float(xs[i] + wx[i] / 2), float(xs[k + 1] - wx[k + 1] / 2)
            y0, y1 = float(ys[j] + wy[j] / 2), float(ys[m + 1] - wy[m + 1] / 2)
            blocks.append(Block(x0, y0, x1, y1, park=bool((i, j) not in merged and rng.random() < 0.1)))
    w, h = float(xs[-1] + wx[-1] / 2), float(ys[-1] + wy[-1] / 2)
    ring = [
        Block(-RING, -RING, w + RING, 0.0, "n"),
        Block(-RING, h, w + RING, h + RING, "s"),
        Block(-RING, 0.0, 0.0, h, "e"),
        Block(w, 0.0, w + RING, h, "w"),
    ]
    return blocks + ring
