"""What a front looks like: families of houses and their colours and measures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lofivpr.places.town.painter import Colour

FAMILIES = ("brick", "plaster", "stone", "timber", "concrete", "glass")

WALLS: dict[str, tuple[Colour, ...]] = {
    "brick": ((150, 78, 58), (128, 70, 52), (176, 128, 84), (120, 96, 88), (166, 98, 70)),
    "plaster": (
        (232, 214, 176), (222, 178, 146), (188, 206, 192), (216, 202, 214), (236, 228, 212), (196, 210, 224),
        (226, 190, 116), (204, 144, 124),
    ),
    "stone": ((196, 186, 164), (178, 172, 160), (206, 192, 158)),
    "timber": ((236, 228, 208), (230, 210, 170), (222, 226, 220)),
    "concrete": ((170, 170, 166), (188, 182, 172), (150, 154, 158)),
    "glass": ((112, 124, 136), (146, 148, 150), (92, 96, 104)),
}  # fmt: skip
ACCENTS: tuple[Colour, ...] = (
    (44, 74, 60), (120, 30, 34), (32, 52, 92), (60, 44, 36), (28, 28, 30), (160, 120, 40), (96, 112, 122),
    (226, 226, 220), (20, 92, 104), (110, 66, 110),
)  # fmt: skip
TRIMS: tuple[Colour, ...] = ((238, 234, 224), (214, 204, 184), (196, 188, 172), (236, 230, 214))


@dataclass(frozen=True)
class Style:
    """What one front looks like. Lengths in metres; `bay` is the distance between windows."""

    family: str
    wall: Colour
    trim: Colour
    accent: Colour
    bays: int
    floors: int
    bay: float
    floor: float
    ground: float
    window: tuple[float, float]
    arch: bool
    shutters: bool
    panes: tuple[int, int]
    balconies: int
    bottom: str

    @property
    def size(self) -> tuple[float, float]:
        """Width and height of the front."""
        return self.bays * self.bay, self.ground + self.floors * self.floor + 0.5


def draw_style(rng: np.random.Generator, family: str) -> Style:
    """A random style of a family."""

    def pick(options: tuple[Colour, ...]) -> Colour:
        return options[int(rng.integers(len(options)))]

    tall = family in ("concrete", "glass")
    bay = float(rng.uniform(2.2, 3.4))
    width = bay * float(rng.uniform(0.72, 0.88) if tall else rng.uniform(0.34, 0.5))
    floor = float(rng.uniform(2.9, 3.5))
    bottom = str(rng.choice(["shop", "house", "house"] if family != "glass" else ["shop", "lobby"]))
    return Style(
        family=family,
        wall=tuple(float(c) for c in np.array(pick(WALLS[family])) + rng.normal(0, 7) + rng.normal(0, 4, 3)),
        trim=pick(TRIMS),
        accent=pick(ACCENTS),
        bays=int(rng.integers(3, 6) if tall else rng.integers(2, 5)),
        floors=int(rng.integers(3, 6) if tall else rng.integers(1, 4)),
        bay=bay,
        floor=floor,
        ground=float(rng.uniform(3.3, 4.2)),
        window=(width, floor * float(rng.uniform(0.5, 0.62))),
        arch=bool(family in ("brick", "stone", "plaster") and rng.random() < 0.25),
        shutters=bool(family in ("plaster", "timber") and rng.random() < 0.5),
        panes=(int(rng.integers(1, 4)), int(rng.integers(1, 4))),
        balconies=int(rng.integers(0, 3)) if family in ("plaster", "stone", "concrete") else 0,
        bottom=bottom,
    )
