"""A canvas in metres, y up from the pavement, on which fronts are painted."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lofivpr.places.town.texture import Texture

DENSITY = 32  # pixels a metre
Colour = tuple[float, ...]


class Painter:
    """A width x height canvas; `image` is float32 RGB, 0 to 255."""

    def __init__(self, width: float, height: float, rng: np.random.Generator) -> None:
        self.rng = rng
        self.w, self.h = round(width * DENSITY), round(height * DENSITY)
        self.image: NDArray[np.float32] = np.zeros((self.h, self.w, 3), np.float32)

    def box(self, x0: float, y0: float, x1: float, y1: float) -> tuple[slice, slice]:
        """Pixels of a rectangle, clipped to the canvas."""
        c0, c1 = (min(max(round(x * DENSITY), 0), self.w) for x in (x0, x1))
        r0, r1 = (min(max(self.h - round(y * DENSITY), 0), self.h) for y in (y1, y0))
        return slice(r0, r1), slice(c0, c1)

    def rect(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        """Fill a rectangle."""
        self.image[self.box(x0, y0, x1, y1)] = colour

    def dim(self, x0: float, y0: float, x1: float, y1: float, factor: float) -> None:
        """Multiply a rectangle: shadows under sills and eaves."""
        self.image[self.box(x0, y0, x1, y1)] *= factor

    def line(self, points: list[tuple[float, float]], width: float, colour: Colour) -> None:
        """An open line through points, metres wide."""
        pixels = np.array([(x * DENSITY, self.h - y * DENSITY) for x, y in points])
        cv2.polylines(
            self.image, [np.round(pixels * 16).astype(np.int32)], False, colour,
            max(1, round(width * DENSITY)), cv2.LINE_8, 4,
        )  # fmt: skip

    def glass(self, x0: float, y0: float, x1: float, y1: float) -> None:
        """A pane: sky above, dark room below, now and then a curtain or a lamp."""
        rows, columns = self.box(x0, y0, x1, y1)
        h, w = rows.stop - rows.start, columns.stop - columns.start
        if h < 1 or w < 1:
            return
        fade = np.linspace(1, 0, h, dtype=np.float32)[:, None, None] ** 0.7
        pane = np.array((56, 64, 74), np.float32) + fade * np.array((62, 76, 90), np.float32)
        pane = np.repeat(pane, w, axis=1) * self.rng.uniform(0.75, 1.15)
        streak = (np.arange(w)[None, :] + np.arange(h)[:, None] + self.rng.integers(w)) % (w + h) < (w + h) // 4
        pane += streak[..., None] * self.rng.uniform(6, 22)
        kind = self.rng.random()
        if kind < 0.28:
            side = max(1, w // 5)
            pane[:, :side] = pane[:, -side:] = self.rng.uniform(150, 205) * np.array((1, 0.97, 0.9))
        elif kind < 0.42:
            pane[: int(h * self.rng.uniform(0.2, 0.6))] = self.rng.uniform(160, 210) * np.array((1, 0.98, 0.93))
        elif kind < 0.47:
            pane += np.array((90, 66, 24)) * self.rng.uniform(0.6, 1.0)
        self.image[rows, columns] = pane

    def courses(self, height: int, width: int, vary: float, joint: float, bond: bool = True) -> None:
        """Bricks or blocks of height x width pixels; each its own shade, darker or lighter joints."""
        rows, columns = np.arange(self.h)[::-1] // height, np.arange(self.w)
        shift = (rows % 2)[:, None] * (width // 2 if bond else 0)
        across = (columns[None, :] + shift) // width
        shade = self.rng.normal(0, vary / 2, (rows.max() + 1, across.max() + 1)).astype(np.float32)
        self.image += shade[rows[:, None], across][..., None]
        gaps = ((np.arange(self.h)[::-1] % height == 0)[:, None]) | ((columns[None, :] + shift) % width == 0)
        self.image[gaps] -= joint if bond and height > 8 or not bond else -joint

    def texture(self) -> Texture:
        """The painting, of its size in metres."""
        size = self.w / DENSITY, self.h / DENSITY
        return Texture(np.clip(self.image, 0, 255).astype(np.uint8), size)
