"""All the textures of one town, by what they are for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lofivpr.places.town import facade, figures, props
from lofivpr.places.town.style import FAMILIES, Style, draw_style
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
            style = draw_style(rng, family)
            styles[family].append((add(facade.paint_facade(style, rng)), style))
    groups = {
        "back": [add(facade.paint_back(rng)) for _ in range(6)],
        "asphalt": [add(props.asphalt(rng))],
        "road": [add(props.road(rng, ROAD_WIDTH, k % 3)) for k in range(6)],
        "crossing": [add(props.crossing(rng, ROAD_WIDTH))],
        "paving": [add(props.paving(rng, k)) for k in range(4)],
        "grass": [add(props.grass(rng))],
        "leaves": [add(props.leaves(rng, k)) for k in range(4)],
        "roof": [add(props.tiles(rng, k)) for k in range(4)],
        "gable": [add(props.triangle(rng, (196, 186, 170)))],
        "white": [add(props.plain(rng, (226, 224, 218)))],
        "dark": [add(props.plain(rng, (52, 52, 54)))],
        "glass": [add(props.plain(rng, (58, 66, 74)))],
        "bark": [add(props.plain(rng, (92, 74, 58)))],
        "oriel": [add(facade.paint_oriel(rng)) for _ in range(4)],
        "awning": [add(props.awning(rng)) for _ in range(5)],
        "sign": [add(props.sign(rng)) for _ in range(48)],
        "car": [add(figures.car_side(k, m, p)) for k in range(3) for p in figures.PAINTS for m in (False, True)],
        "nose": [add(figures.car_end(True))],
        "tail": [add(figures.car_end(False))],
        "person": [add(figures.passer_by(rng)) for _ in range(18)],
    }
    return Palette(textures, styles, groups)
