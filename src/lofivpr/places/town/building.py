"""From the plan to surfaces: blocks of houses with roofs, signs, bays and awnings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lofivpr.places.town.grounds import KERB, Grounds
from lofivpr.places.town.palette import Palette
from lofivpr.places.town.scene import Block, Layout
from lofivpr.places.town.style import FAMILIES, Style
from lofivpr.places.town.surfaces import Builder, Label

DEPTH = 9.5
UP = (0.0, 0.0, 1.0)
Point = tuple[float, float, float]


@dataclass(frozen=True)
class Front:
    """A building line seen from the street: left end, direction to the right, direction into the block."""

    left: tuple[float, float]
    u: tuple[float, float]
    length: float

    @property
    def inward(self) -> tuple[float, float]:
        """Away from the street."""
        return -self.u[1], self.u[0]

    def at(self, along: float, deep: float, z: float) -> Point:
        """World point `along` metres from the left end, `deep` metres behind the line."""
        w = self.inward
        return (self.left[0] + along * self.u[0] + deep * w[0], self.left[1] + along * self.u[1] + deep * w[1], z)

    def box(self, a: Point, b: Point) -> tuple[Point, Point]:
        """World corners (low, high) of a box between two points (along, deep, z)."""
        points = np.array([self.at(*a), self.at(*b)])
        (x0, y0, z0), (x1, y1, z1) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
        return (x0, y0, z0), (x1, y1, z1)


def fronts(block: Block, pavement: float) -> dict[str, Front]:
    """The building lines of a block: south and north take the corners."""
    x0, y0, x1, y1 = block.x0 + pavement, block.y0 + pavement, block.x1 - pavement, block.y1 - pavement
    if len(block.sides) == 1:  # the ring around the town has no pavement beyond its houses
        x0, y0, x1, y1 = block.x0, block.y0, block.x1, block.y1
        lines = {"n": y1 - pavement, "s": y0 + pavement, "e": x1 - pavement, "w": x0 + pavement}
        x0, x1 = (lines["w"] if "w" in block.sides else x0), (lines["e"] if "e" in block.sides else x1)
        y0, y1 = (lines["s"] if "s" in block.sides else y0), (lines["n"] if "n" in block.sides else y1)
    inset = DEPTH if len(block.sides) > 1 else 0.0
    every = {
        "s": Front((x0, y0), (1.0, 0.0), x1 - x0),
        "n": Front((x1, y1), (-1.0, 0.0), x1 - x0),
        "e": Front((x1, y0 + inset), (0.0, 1.0), y1 - y0 - 2 * inset),
        "w": Front((x0, y1 - inset), (0.0, -1.0), y1 - y0 - 2 * inset),
    }
    return {side: every[side] for side in block.sides}


class Mason:
    """Builds one town into a Builder; all chance comes from one generator."""

    def __init__(self, builder: Builder, palette: Palette, rng: np.random.Generator, layout: Layout) -> None:
        self.b, self.p, self.rng = builder, palette, rng
        self.grounds = Grounds(builder, palette, rng, layout)
        self.solids: list[tuple[float, float, float, float, float]] = []  # x0, y0, x1, y1, height: cast shadows

    def block(self, block: Block) -> None:
        """Pavement, kerbs, and houses or a park."""
        w, d = block.x1 - block.x0, block.y1 - block.y0
        pavement = float(self.rng.uniform(2.2, 3.2))
        paving = self.p.pick(self.rng, "paving")
        self.b.rect((block.x0, block.y0, KERB), (1, 0, 0), (0, 1, 0), (w, d), paving, Label.GROUND)
        low, high = (block.x0, block.y0, 0.0), (block.x1, block.y1, KERB)
        self.b.box(low, high, self.p.pick(self.rng, "white"), Label.GROUND, (0.75, 0.74, 0.72), "snew")
        if block.park:
            self.grounds.park(block, pavement)
            return
        inner = pavement + DEPTH
        if min(w, d) > 2 * inner + 1:
            grass = self.p.pick(self.rng, "grass")
            origin = (block.x0 + inner, block.y0 + inner, KERB + 0.02)
            self.b.rect(origin, (1, 0, 0), (0, 1, 0), (w - 2 * inner, d - 2 * inner), grass, Label.GROUND)
        for side, front in fronts(block, pavement).items():
            self.row(front, corners=len(block.sides) > 1 and side in "sn")

    def row(self, front: Front, corners: bool) -> None:
        """A row of houses along a building line, scaled so that they fill it; now and then a garden."""
        family = str(self.rng.choice(FAMILIES, p=(0.27, 0.28, 0.15, 0.14, 0.1, 0.06)))
        lots: list[tuple[int, Style] | None] = []
        total = 0.0
        while total < front.length - 3.5:
            garden = lots and lots[-1] and total < front.length - 14 and self.rng.random() < 0.08
            if garden:
                lots.append(None)
                total += 6.0
                continue
            kind = family if self.rng.random() < 0.6 else str(self.rng.choice(FAMILIES))
            choices = self.p.fronts[kind]
            lots.append(choices[int(self.rng.integers(len(choices)))])
            total += lots[-1][1].size[0]  # type: ignore[index]
        stretch, along = front.length / total, 0.0
        for i, lot in enumerate(lots):
            width = (lot[1].size[0] if lot else 6.0) * stretch
            if lot is None:
                self.garden(front, along, along + width)
            else:
                ends = (corners and i == 0, corners and i == len(lots) - 1)
                self.house(front, along, along + width, lot, ends)
            along += width

    def house(self, front: Front, a: float, b: float, lot: tuple[int, Style], ends: tuple[bool, bool]) -> None:
        """One house; `ends` tells which of its sides look on a street."""
        texture, style = lot
        h, u = style.size[1] * float(self.rng.uniform(0.95, 1.06)), (*front.u, 0.0)
        w = (*front.inward, 0.0)
        tint = tuple(float(t) for t in self.rng.uniform(0.86, 1.1) * self.rng.normal(1, 0.035, 3))
        back = (-u[0], -u[1], 0.0)
        out = (-w[0], -w[1], 0.0)
        z, wall = KERB, self.p.pick(self.rng, "back")
        self.b.rect(front.at(a, 0, z), u, UP, (b - a, h), texture, Label.FACADE, tint)
        self.b.rect(front.at(b, DEPTH, z), back, UP, (b - a, h), wall, Label.FACADE, tint)
        fill = [self._end_front(style) if end else wall for end in ends]
        self.b.rect(front.at(a, DEPTH, z), out, UP, (DEPTH, h), fill[0], Label.FACADE, tint)
        self.b.rect(front.at(b, 0, z), w, UP, (DEPTH, h), fill[1], Label.FACADE, tint)
        low, high = front.box((a, 0, 0), (b, DEPTH, 0))
        self.solids.append((low[0], low[1], high[0], high[1], z + h + 0.5))
        if style.family in ("brick", "plaster", "timber", "stone") and self.rng.random() < 0.85:
            self.roof(front, a, b, z + h, style)
        self.extras(front, a, b, style, z)

    def _end_front(self, style: Style) -> int:
        choices = self.p.fronts[style.family]
        return min(choices, key=lambda c: abs(c[1].size[1] - style.size[1]) + abs(c[1].size[0] - DEPTH))[0]

    def roof(self, front: Front, a: float, b: float, z: float, style: Style) -> None:
        """A pitched roof with its ridge along the street, gables, and a chimney."""
        rise, over, half = float(self.rng.uniform(1.8, 4.2)), 0.3, DEPTH / 2
        tiles = self.p.pick(self.rng, "roof")
        u, w = np.array((*front.u, 0.0)), np.array((*front.inward, 0.0))
        slope = np.hypot(half, rise)
        drop = over * rise / half
        length = (half + over) * slope / half
        for origin, right, deep in (
            (front.at(a, -over, z - drop), u, w),
            (front.at(b, DEPTH + over, z - drop), -u, -w),
        ):
            v = (deep * half + np.array(UP) * rise) / slope
            self.b.rect(origin, tuple(right), tuple(v), (b - a, length), tiles, Label.FACADE)
        gable, tint = self.p.pick(self.rng, "gable"), tuple(c / 215 for c in style.wall)
        self.b.rect(front.at(a, DEPTH, z), tuple(-w), UP, (DEPTH, rise), gable, Label.FACADE, tint)
        self.b.rect(front.at(b, 0, z), tuple(w), UP, (DEPTH, rise), gable, Label.FACADE, tint)
        if self.rng.random() < 0.6:
            x = a + float(self.rng.random()) * (b - a - 1.0)
            low, high = front.box((x, half - 0.4, z + rise - 1.2), (x + 1.0, half + 0.4, z + rise + 1.1))
            self.b.box(low, high, self.p.pick(self.rng, "back"), Label.FACADE)

    def extras(self, front: Front, a: float, b: float, style: Style, z: float) -> None:
        """Signs and awnings on shops, bay windows on houses: relief that moves against the wall."""
        rng, top = self.rng, z + style.ground - 0.3
        if style.bottom == "shop":
            wide = min(3.6, b - a - 0.4)
            x = a + 0.2 + float(rng.random()) * (b - a - 0.4 - wide)
            sign, u = self.p.pick(rng, "sign"), (*front.u, 0.0)
            self.b.rect(front.at(x, -0.08, top - 0.74), u, UP, (wide, 0.66), sign, Label.FACADE)
            if rng.random() < 0.4:
                low, high = front.box((a + 0.2, -1.2, top - 1.05), (b - 0.2, 0.0, top - 0.75))
                self.b.box(low, high, self.p.pick(rng, "awning"), Label.FACADE, faces="snewtb")
            if rng.random() < 0.5:
                low, high = front.box((b - 0.7, -1.0, top + 0.3), (b - 0.62, -0.1, top + 0.95))
                boards = "ew" if front.u[0] else "sn"
                self.b.box(low, high, self.p.pick(rng, "sign"), Label.FACADE, faces=boards)
                rims = "snb" if front.u[0] else "ewb"
                self.b.box(low, high, self.p.pick(rng, "dark"), Label.FACADE, faces=rims)
        elif style.family in ("brick", "plaster", "stone") and style.floors >= 2 and rng.random() < 0.3:
            x = a + (b - a) * (int(rng.integers(style.bays)) + 0.5) / style.bays
            low, high = front.box((x - 0.95, -0.75, z + style.ground - 0.2), (x + 0.95, 0.0, z + style.ground + 5.0))
            self.b.box(low, high, self.p.pick(rng, "oriel"), Label.FACADE, faces="snewtb")

    def garden(self, front: Front, a: float, b: float) -> None:
        """A gap between houses: a hedge or a wall, and a tree behind it."""
        hedge = self.rng.random() < 0.6
        low, high = front.box((a, 0.0, KERB), (b, 0.5, KERB + float(self.rng.uniform(1.0, 1.9))))
        texture = self.p.pick(self.rng, "leaves" if hedge else "back")
        self.b.box(low, high, texture, Label.TREE if hedge else Label.FACADE)
        self.grounds.tree(*front.at((a + b) / 2, float(self.rng.uniform(3, 6)), 0.0)[:2])


def build(layout: Layout, palette: Palette, builder: Builder, seed: int) -> NDArray[np.float64]:
    """All that stands still in the town. Returns the houses N x 5 (x0, y0, x1, y1, height), for the shadows."""
    mason = Mason(builder, palette, np.random.default_rng([seed, 3]), layout)
    w, h = layout.size
    ground = palette.groups["asphalt"][0]
    builder.rect((-60, -60, 0.0), (1, 0, 0), (0, 1, 0), (w + 120, h + 120), ground, Label.GROUND)
    for block in layout.blocks:
        mason.block(block)
    for street in layout.streets:
        mason.grounds.street(street)
    for x0, y0, x1, y1 in layout.crossings:
        asphalt = palette.groups["asphalt"][0]
        builder.rect((x0, y0, 0.02), (1, 0, 0), (0, 1, 0), (x1 - x0, y1 - y0), asphalt, Label.GROUND)
    return np.array(mason.solids)
