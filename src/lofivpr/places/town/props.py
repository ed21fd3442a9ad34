"""Smaller textures: ground, roofs, shop signs, leaves, clouds."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lofivpr.places.town.texture import Image, Texture, grain, noise

DENSITY = 32  # pixels a metre
NAMES = (
    "Abel", "Brandt", "Caspari", "Dorn", "Elsner", "Fabri", "Gruber", "Holm", "Ivers", "Jansen", "Keller", "Lund",
    "Moser", "Nolte", "Orsini", "Pauli", "Quint", "Rossi", "Sand", "Tober", "Ullmann", "Vogel", "Weber", "Zander",
)  # fmt: skip
TRADES = (
    "BAKERY", "BOOKS", "CAFE", "CHEMIST", "CINEMA", "FLOWERS", "HOTEL", "JEWELS", "MUSIC", "OPTICS", "PIZZA", "POST",
    "SHOES", "TAILOR", "TEA", "TOYS", "WINES", "BARBER", "BIKES", "FISH", "CHEESE", "HATS", "PRINTS", "TOOLS",
)  # fmt: skip
FONTS = (cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_TRIPLEX, cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_SCRIPT_COMPLEX)


def _texture(image: NDArray[np.float32], size: tuple[float, float], repeat: bool = False) -> Texture:
    return Texture(np.clip(image, 0, 255).astype(np.uint8), size, repeat)


def asphalt(rng: np.random.Generator, side: float = 16.0) -> Texture:
    """Bare road, repeating: grain, patches, cracks."""
    n = round(side * 20)
    image = grain(rng, (116, 116, 117), n, n, 6.0, wrap=True)
    for _ in range(5):
        x, y, w, h = (int(v) for v in rng.uniform((0, 0, 20, 20), (n - 90, n - 90, 90, 70)))
        image[y : y + h, x : x + w] *= rng.uniform(0.84, 1.08)
    return _texture(image, (side, side), repeat=True)


def road(rng: np.random.Generator, width: float, kind: int) -> Texture:
    """A lane-marked street, 18 m repeating along x: dashes or a full line, gutters, manholes, patches."""
    h, w = round(width * 24), 18 * 24
    tone = float(rng.uniform(102, 128))
    image = grain(rng, (tone, tone, tone + 2), h, w, 5.0, wrap=True)
    lanes = np.abs(np.linspace(-1, 1, h)[:, None, None])
    image *= 1 - 0.07 * np.exp(-(((lanes - 0.45) / 0.16) ** 2))
    for _ in range(3):
        x, y = int(rng.integers(0, w - 80)), int(rng.integers(8, h - 40))
        image[y : y + int(rng.integers(20, 50)), x : x + int(rng.integers(30, 80))] *= rng.uniform(0.8, 1.1)
    for _ in range(2):
        centre = int(rng.integers(20, w - 20)), int(rng.integers(h // 5, h - h // 5))
        cv2.circle(image, centre, 8, (70, 68, 66), -1)
        cv2.circle(image, centre, 8, (128, 126, 122), 1)
    white, middle = np.array((222, 220, 212), np.float32), h // 2
    if kind == 0:
        for x in (0, w // 2):
            image[middle - 2 : middle + 2, x + 20 : x + 20 + 4 * 24] = white
    elif kind == 1:
        image[middle - 2 : middle + 2] = white
    for edge in (slice(0, 6), slice(h - 6, h)):
        image[edge] = grain(rng, (136, 132, 126), 6, w, 6.0)
    return _texture(image, (18.0, width), repeat=True)


def crossing(rng: np.random.Generator, width: float) -> Texture:
    """Zebra stripes across a street, 3 m deep."""
    h, w = round(width * 24), 72
    image = grain(rng, (114, 114, 115), h, w, 5.0)
    for y in range(12, h - 12, 24):
        image[y : y + 12] = grain(rng, (214, 212, 206), min(12, h - y), w, 10.0)
    return _texture(image, (3.0, width))


def paving(rng: np.random.Generator, kind: int) -> Texture:
    """Slabs, setts or bricks, repeating over 6 m."""
    n = 6 * 24
    tone = ((160, 156, 150), (140, 136, 134), (156, 124, 106), (172, 166, 152))[kind % 4]
    image = grain(rng, tone, n, n, 4.0, wrap=True)
    height, width = ((24, 36), (6, 6), (6, 12), (12, 24))[kind % 4]
    rows, columns = np.arange(n) // height, np.arange(n)
    across = ((columns[None, :] + (rows % 2)[:, None] * (width // 2)) // width) % (n // width)
    image += rng.normal(0, 5, (n // height, n // width)).astype(np.float32)[rows[:, None], across][..., None]
    image[np.arange(n) % height == 0] -= 18
    image[(columns[None, :] + (rows % 2)[:, None] * (width // 2)) % width == 0] -= 18
    return _texture(image, (6.0, 6.0), repeat=True)


def grass(rng: np.random.Generator) -> Texture:
    """A lawn, repeating over 8 m."""
    n = 8 * 24
    image = grain(rng, (88, 118, 58), n, n, 12.0, wrap=True)
    return _texture(image + 8 * rng.normal(0, 1, (n, n, 1)).astype(np.float32), (8.0, 8.0), repeat=True)


def leaves(rng: np.random.Generator, kind: int) -> Texture:
    """Foliage, repeating over 3 m: dabs of light and dark green."""
    n = 3 * 48
    base = np.array(((70, 104, 44), (92, 112, 48), (56, 92, 52), (120, 108, 44))[kind % 4], np.float32)
    image = np.tile(base * 0.55, (3 * n, 3 * n, 1)).astype(np.float32)
    for _ in range(900):
        x, y = (int(v) for v in rng.integers(0, n, 2))
        colour = tuple(float(c) for c in base * rng.uniform(0.55, 1.5) + rng.normal(0, 6, 3))
        axes, turn = (int(rng.integers(3, 7)), int(rng.integers(2, 4))), int(rng.integers(0, 180))
        for dx in (0, n, 2 * n):
            for dy in (0, n, 2 * n):
                cv2.ellipse(image, (x + dx, y + dy), axes, turn, 0, 360, colour, -1)
    return _texture(image[n : 2 * n, n : 2 * n], (3.0, 3.0), repeat=True)


def tiles(rng: np.random.Generator, kind: int) -> Texture:
    """Roof tiles or slates, repeating over 4 m."""
    n = 4 * DENSITY
    tone = ((150, 82, 60), (88, 92, 100), (122, 72, 58), (104, 98, 92))[kind % 4]
    image = grain(rng, tone, n, n, 8.0, wrap=True)
    rows, columns = np.arange(n) // 8, np.arange(n)
    across = ((columns[None, :] + (rows % 2)[:, None] * 4) // 8) % (n // 8)
    image += rng.normal(0, 9, (n // 8, n // 8)).astype(np.float32)[rows[:, None], across][..., None]
    image -= (14 * (np.arange(n) % 8 < 2))[:, None, None]
    return _texture(image, (4.0, 4.0), repeat=True)


def plain(rng: np.random.Generator, colour: tuple[float, ...], size: tuple[float, float] = (1.0, 1.0)) -> Texture:
    """A small patch of one colour with a little grain."""
    return _texture(grain(rng, colour, 32, 32, 4.0), size)


def triangle(rng: np.random.Generator, colour: tuple[float, ...]) -> Texture:
    """The gable of a roof: an isosceles triangle, 1 x 1, stretched where it is used."""
    n = 128
    shape = np.zeros((n, n), np.uint8)
    cv2.fillPoly(shape, [np.array([(0, n), (n, n), (n // 2, 0)], np.int32)], 255)
    image = np.clip(grain(rng, colour, n, n, 6.0), 0, 255).astype(np.uint8)
    return Texture(image, (1.0, 1.0), False, shape)


def sign(rng: np.random.Generator, width: float = 3.6, height: float = 0.62) -> Texture:
    """A shop's board with its name or trade."""
    h, w = round(height * 48), round(width * 48)
    dark = rng.random() < 0.6
    ground = rng.uniform(20, 110, 3) if dark else rng.uniform(190, 245, 3)
    ink = tuple(float(c) for c in (rng.uniform(200, 255, 3) if dark else rng.uniform(10, 90, 3)))
    image = np.clip(grain(rng, tuple(float(c) for c in ground), h, w, 2.0), 0, 255).astype(np.uint8)
    text = str(rng.choice(TRADES if rng.random() < 0.6 else NAMES))
    font = FONTS[int(rng.integers(len(FONTS)))]
    (tw, th), _ = cv2.getTextSize(text, font, 1.0, 2)
    scale = min(0.84 * w / tw, 0.62 * h / th)
    at = round((w - tw * scale) / 2), round((h + th * scale) / 2)
    cv2.putText(image, text, at, font, scale, ink, 2, cv2.LINE_8)
    cv2.rectangle(image, (1, 1), (w - 2, h - 2), ink, 1)
    return Texture(image, (width, height))


def clouds(rng: np.random.Generator, n: int = 512) -> Image:
    """Repeating cloud cover n x n uint8, 0 clear to 255 thick."""
    cover = sum(noise(rng, n, n, n // k, wrap=True) / k**0.8 for k in (3, 6, 12, 24, 48))
    return np.clip(128 + 150 * np.asarray(cover), 0, 255).astype(np.uint8)


def awning(rng: np.random.Generator) -> Texture:
    """Striped cloth, stretched over an awning."""
    colour = rng.uniform(40, 180, 3)
    stripes = np.where((np.arange(192) // 8 % 2 == 0)[:, None], colour, (236, 232, 222))
    return _texture(np.repeat(stripes[None], 24, axis=0).astype(np.float32), (3.0, 0.4))
