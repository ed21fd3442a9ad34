"""The town's geometry as arrays: flat rectangles and balls, each with a texture, a tint and a label."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray


class Label(IntEnum):
    """What a pixel shows. FACADE: houses with their roofs, signs and walls; THING: lamps and posts."""

    SKY = 0
    GROUND = 1
    FACADE = 2
    CAR = 3
    PERSON = 4
    TREE = 5
    THING = 6


@dataclass(frozen=True)
class Surfaces:
    """K rectangles: points are origin + s u + t v with 0 <= s <= size[0], 0 <= t <= size[1], in metres.

    `u`, `v` are orthogonal unit vectors, `u x v` is the visible side. Texture coordinates in metres are
    (s, t) * scale.
    """

    origin: NDArray[np.float64]
    u: NDArray[np.float64]
    v: NDArray[np.float64]
    size: NDArray[np.float64]
    scale: NDArray[np.float64]
    texture: NDArray[np.int64]
    tint: NDArray[np.float64]
    label: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.origin)

    @cached_property
    def normal(self) -> NDArray[np.float64]:
        """K x 3 unit normals of the visible sides."""
        return np.cross(self.u, self.v)

    def take(self, index: NDArray[np.int64]) -> Surfaces:
        """Those of the given numbers."""
        return Surfaces(*(getattr(self, f.name)[index] for f in fields(self)))

    def join(self, other: Surfaces) -> Surfaces:
        """Both, one after the other."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Surfaces(*(np.concatenate(pair) for pair in pairs))


@dataclass(frozen=True)
class Balls:
    """N balls (the crowns of trees): centre N x 3 and radius N in metres."""

    centre: NDArray[np.float64]
    radius: NDArray[np.float64]
    texture: NDArray[np.int64]
    tint: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.centre)

    def take(self, index: NDArray[np.int64]) -> Balls:
        """Those of the given numbers."""
        return Balls(*(getattr(self, f.name)[index] for f in fields(self)))


class Builder:
    """Collects rectangles, boxes and balls."""

    def __init__(self, sizes: list[tuple[float, float]], repeats: list[bool]) -> None:
        self.sizes, self.repeats = sizes, repeats
        self._rows: list[tuple[object, ...]] = []
        self._balls: list[tuple[object, ...]] = []

    def rect(
        self,
        origin: tuple[float, ...],
        u: tuple[float, ...],
        v: tuple[float, ...],
        size: tuple[float, float],
        texture: int,
        label: Label,
        tint: tuple[float, ...] = (1.0, 1.0, 1.0),
        scale: tuple[float, float] | None = None,
    ) -> None:
        """One rectangle. A repeating texture keeps its metres, another is stretched, unless `scale` is given."""
        w, h = self.sizes[texture]
        if scale is None:
            scale = (1.0, 1.0) if self.repeats[texture] else (w / size[0], h / size[1])
        self._rows.append((origin, u, v, size, scale, texture, tint, int(label)))

    def box(
        self,
        low: tuple[float, float, float],
        high: tuple[float, float, float],
        texture: int,
        label: Label,
        tint: tuple[float, ...] = (1.0, 1.0, 1.0),
        faces: str = "snewt",
    ) -> None:
        """The named faces (south, north, east, west, top, bottom) of an upright box."""
        (x0, y0, z0), (x1, y1, z1) = low, high
        w, d, h = x1 - x0, y1 - y0, z1 - z0
        kinds = {
            "s": ((x0, y0, z0), (1, 0, 0), (0, 0, 1), (w, h)),
            "n": ((x1, y1, z0), (-1, 0, 0), (0, 0, 1), (w, h)),
            "e": ((x1, y0, z0), (0, 1, 0), (0, 0, 1), (d, h)),
            "w": ((x0, y1, z0), (0, -1, 0), (0, 0, 1), (d, h)),
            "t": ((x0, y0, z1), (1, 0, 0), (0, 1, 0), (w, d)),
            "b": ((x0, y1, z0), (1, 0, 0), (0, -1, 0), (w, d)),
        }
        for face in faces:
            self.rect(*kinds[face], texture, label, tint)

    def ball(self, centre: tuple[float, ...], radius: float, texture: int, tint: tuple[float, ...]) -> None:
        """One ball."""
        self._balls.append((centre, radius, texture, tint))

    def surfaces(self) -> Surfaces:
        """All rectangles so far."""
        if not self._rows:
            none, pair = np.zeros((0, 3)), np.zeros((0, 2))
            empty = np.zeros(0, np.int64)
            return Surfaces(none, none, none, pair, pair, empty, none, empty)
        columns = list(zip(*self._rows, strict=True))
        real = [np.array(column, np.float64) for column in columns]
        origin, u, v, size, scale, texture, tint, label = real
        return Surfaces(origin, u, v, size, scale, texture.astype(np.int64), tint, label.astype(np.int64))

    def balls(self) -> Balls:
        """All balls so far."""
        if not self._balls:
            return Balls(np.zeros((0, 3)), np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 3)))
        centre, radius, texture, tint = (np.array(c, np.float64) for c in zip(*self._balls, strict=True))
        return Balls(centre, radius, texture.astype(np.int64), tint)
