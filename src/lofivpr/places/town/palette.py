"""All the textures of one town, by what they are for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lofivpr.places.town import facade, props
from lofivpr.places.town.facade import FAMILIES, Style
from lofivpr.places.town.texture import Texture


@dataclass(frozen=True)
class Palette:
    """Textures and their indices. `fronts[family]` lists (index, style); `roads` are of ROAD_WIDTH metres."""

    textures: list[Texture]
    fronts: dict[str, list[tuple[int, Style]]]
    groups: dict[str, list[int]]

    def pick(self, rng: np.random.Generator, group: str) -> int:
        """A random texture of a group."""
        members = self.groups[group]
        return members[int(rng.integers(len(members)))]


ROAD_WIDTH = 8.0


def make_palette(seed: int, fronts: int) -> Palette:
    """Paint the textures of a town with about `fronts` different fronts."""
    rng = np.random.default_rng([seed, 1])
    textures: list[Texture] = []

    def add(texture: Texture) -> int:
        textures.append(texture)
        return len(textures) - 1

    styles: dict[str, list[tuple[int, Style]]] = {family: [] for family in FAMILIES}
    shares = {"brick": 0.26, "plaster": 0.28, "stone": 0.16, "timber": 0.12, "concrete": 0.12, "glass": 0.06}
    for family in FAMILIES:
        for _ in range(max(3, round(fronts * shares[family]))):
            style = facade.draw_style(rng, family)
            styles[family].append((add(facade.paint_facade(style, rng)), style))
    makers = {
        "back": [lambda: facade.paint_back(rng)] * 6,
        "asphalt": [lambda: props.asphalt(rng)],
        "road": [lambda k=k: props.road(rng, ROAD_WIDTH, k % 3) for k in range(6)],
        "crossing": [lambda: props.crossing(rng, ROAD_WIDTH)],
        "paving": [lambda k=k: props.paving(rng, k) for k in range(4)],
        "grass": [lambda: props.grass(rng)],
        "leaves": [lambda k=k: props.leaves(rng, k) for k in range(4)],
        "roof": [lambda k=k: props.tiles(rng, k) for k in range(4)],
        "gable": [lambda: props.triangle(rng, (196, 186, 170))],
        "white": [lambda: props.plain(rng, (226, 224, 218))],
        "dark": [lambda: props.plain(rng, (52, 52, 54))],
        "glass": [lambda: props.plain(rng, (58, 66, 74))],
        "bark": [lambda: props.plain(rng, (92, 74, 58))],
        "oriel": [lambda: facade.paint_oriel(rng)] * 4,
        "awning": [lambda: props.awning(rng)] * 5,
        "sign": [lambda: props.sign(rng)] * 48,
        "car": [lambda k=k: props.car_side(k // 2, bool(k % 2)) for k in range(6)],
        "nose": [lambda: props.car_end(True)],
        "tail": [lambda: props.car_end(False)],
        "person": [lambda: props.passer_by(rng)] * 18,
    }
    groups = {name: [add(make()) for make in group] for name, group in makers.items()}
    return Palette(textures, styles, groups)
