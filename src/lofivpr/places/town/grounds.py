"""Streets, parks, trees and lamps."""

from __future__ import annotations

import numpy as np

from lofivpr.places.town.palette import ROAD_WIDTH, Palette
from lofivpr.places.town.scene import Block, Layout, Street
from lofivpr.places.town.surfaces import Builder, Label

KERB = 0.12  # metres


class Grounds:
    """Lays what lies between the houses into a Builder; all chance comes from one generator."""

    def __init__(self, builder: Builder, palette: Palette, rng: np.random.Generator, layout: Layout) -> None:
        self.b, self.p, self.rng, self.layout = builder, palette, rng, layout

    def park(self, block: Block, pavement: float) -> None:
        """Lawn, hedge, trees, a monument."""
        e = pavement
        w, d = block.x1 - block.x0 - 2 * e, block.y1 - block.y0 - 2 * e
        x0, y0 = block.x0 + e, block.y0 + e
        grass, leaf = self.p.pick(self.rng, "grass"), self.p.pick(self.rng, "leaves")
        self.b.rect((x0, y0, KERB + 0.03), (1, 0, 0), (0, 1, 0), (w, d), grass, Label.GROUND)
        for low, high in (
            ((x0, y0, KERB), (x0 + w, y0 + 0.6, 0.9)),
            ((x0, y0 + d - 0.6, KERB), (x0 + w, y0 + d, 0.9)),
        ):
            self.b.box(low, high, leaf, Label.TREE)
        cx, cy, stone = x0 + w / 2, y0 + d / 2, self.p.pick(self.rng, "back")
        for half, z0, z1 in ((2.2, KERB, 0.7), (1.3, 0.7, 2.6), (0.55, 2.6, float(self.rng.uniform(6, 11)))):
            self.b.box((cx - half, cy - half, z0), (cx + half, cy + half, z1), stone, Label.THING, (1.1, 1.08, 1.0))
        for _ in range(int(w * d / 110)):
            x, y = self.rng.uniform((x0 + 2, y0 + 2), (x0 + w - 2, y0 + d - 2))
            if max(abs(x - cx), abs(y - cy)) > 5:
                self.tree(float(x), float(y))

    def tree(self, x: float, y: float, size: float = 1.0) -> None:
        """A trunk and a crown of balls."""
        rng = self.rng
        size *= float(rng.uniform(0.8, 1.25))
        bole, leaf = 2.1 * size, self.p.pick(rng, "leaves")
        t = 0.16 * size
        self.b.box((x - t, y - t, 0.0), (x + t, y + t, bole + 1.2), self.p.pick(rng, "bark"), Label.TREE, faces="snew")
        tint = tuple(float(c) for c in rng.uniform(0.85, 1.2) * rng.normal(1, 0.05, 3))
        self.b.ball((x, y, bole + 1.9 * size), 1.55 * size, leaf, tint)
        turn = rng.uniform(0, 6.28)
        for k in range(5):
            angle, r = turn + k * 1.257, float(rng.uniform(0.8, 1.15)) * size
            centre = (x + np.cos(angle) * 1.15 * size, y + np.sin(angle) * 1.15 * size)
            self.b.ball((*map(float, centre), bole + float(rng.uniform(1.0, 2.6)) * size), r, leaf, tint)

    def street(self, street: Street) -> None:
        """Carriageway, zebra crossings at both ends, lamps, and along some streets trees."""
        u, v = ((1, 0, 0), (0, 1, 0)) if street.axis == 0 else ((0, 1, 0), (-1, 0, 0))
        side = -1 if street.axis == 0 else 1
        origin = (*street.point(street.start, side * street.width / 2), 0.01)
        scale = (1.0, ROAD_WIDTH / street.width)
        road = self.p.pick(self.rng, "road")
        self.b.rect(origin, u, v, (street.length, street.width), road, Label.GROUND, scale=scale)
        zebra = self.p.groups["crossing"][0]
        for low, high in self.layout.crossed(street):
            for along in (low - 3.4, high + 0.4):
                if street.start < along < street.end - 3 and self.rng.random() < 0.7:
                    origin = (*street.point(along, side * street.width / 2), 0.03)
                    self.b.rect(origin, u, v, (3.0, street.width), zebra, Label.GROUND)
        self.kerbside(street)

    def kerbside(self, street: Street) -> None:
        """Lamps or trees along both kerbs, away from the crossings."""
        rng, crossed = self.rng, self.layout.crossed(street)
        for sign in (-1, 1):
            across = sign * (street.width / 2 + 0.5)
            trees = rng.random() < 0.3
            along = street.start + 9
            while along < street.end - 9:
                x, y = street.point(along, across)
                if any(low - 2 < along < high + 2 for low, high in crossed):
                    along += 1.0
                elif trees:
                    self.tree(x, y, 0.8)
                    along += float(rng.uniform(8, 12))
                else:
                    self.lamp(x, y, street, sign)
                    along += float(rng.uniform(24, 34))

    def lamp(self, x: float, y: float, street: Street, sign: int) -> None:
        """A lamp post with an arm over the road."""
        dark, lit = self.p.pick(self.rng, "dark"), self.p.pick(self.rng, "white")
        self.b.box((x - 0.06, y - 0.06, 0.0), (x + 0.06, y + 0.06, 5.2), dark, Label.THING, faces="snew")
        dx, dy = (0.0, -sign * 1.2) if street.axis == 0 else (-sign * 1.2, 0.0)
        low = (min(x, x + dx) - 0.05, min(y, y + dy) - 0.05, 5.1)
        high = (max(x, x + dx) + 0.05, max(y, y + dy) + 0.05, 5.2)
        self.b.box(low, high, dark, Label.THING, faces="snewtb")
        hx, hy = x + dx, y + dy
        self.b.box((hx - 0.16, hy - 0.16, 4.98), (hx + 0.16, hy + 0.16, 5.1), lit, Label.THING, faces="snewb")
