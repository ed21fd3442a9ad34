"""Smaller textures: ground, roofs, shop signs, leaves, cars and passers-by."""

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
    image = grain(rng, (98, 98, 100), n, n, 5.0, wrap=True)
    for _ in range(5):
        x, y, w, h = (int(v) for v in rng.uniform((0, 0, 20, 20), (n - 90, n - 90, 90, 70)))
        image[y : y + h, x : x + w] *= rng.uniform(0.84, 1.08)
    return _texture(image, (side, side), repeat=True)


def road(rng: np.random.Generator, width: float, kind: int) -> Texture:
    """A lane-marked street, 18 m repeating along x: dashes or a full line, gutters, manholes, patches."""
    h, w = round(width * 24), 18 * 24
    tone = float(rng.uniform(84, 112))
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
    image = grain(rng, (96, 96, 98), h, w, 5.0)
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


CAR_LENGTH, CAR_HEIGHT, CAR_WIDTH = 4.3, 1.48, 1.78
# Outline from the front bumper over the roof to the rear (x from the front, z above the road), metres.
CAR_PROFILES = (
    ((0.02, 0.22), (0.0, 0.62), (0.12, 0.8), (1.15, 0.98), (1.85, 1.42), (3.35, 1.48), (4.05, 1.05), (4.26, 0.92),
     (4.3, 0.6), (4.26, 0.25)),
    ((0.02, 0.22), (0.0, 0.66), (0.14, 0.86), (0.95, 1.02), (1.6, 1.46), (3.8, 1.48), (4.12, 1.0), (4.22, 0.94),
     (4.26, 0.6), (4.24, 0.25)),
    ((0.02, 0.22), (0.0, 0.6), (0.1, 0.74), (1.35, 0.92), (2.0, 1.36), (3.0, 1.38), (3.7, 1.0), (4.28, 0.94),
     (4.3, 0.6), (4.26, 0.25)),
)  # fmt: skip


def car_side(kind: int, mirrored: bool) -> Texture:
    """The side of a car in light grey paint (a tint gives the colour), cut out by alpha."""
    scale, draw = 64.0, 4
    w, h = round(CAR_LENGTH * scale), round(CAR_HEIGHT * scale)
    profile = np.array(CAR_PROFILES[kind])

    def pixels(points: NDArray[np.float64]) -> NDArray[np.int32]:
        return np.round(np.stack([points[:, 0], CAR_HEIGHT - points[:, 1]], 1) * scale * draw).astype(np.int32)

    image, alpha = np.full((h * draw, w * draw, 3), 225, np.uint8), np.zeros((h * draw, w * draw), np.uint8)
    cv2.fillPoly(alpha, [pixels(profile)], 255)
    image[-round(0.5 * scale * draw) :] = 190
    a, b = profile[3:5], profile[5:7]
    low = max(a[0, 1], b[1, 1]) + 0.02
    inside = np.array([a[0] + (0.16, 0.03), a[1] + (0.06, -0.07), b[0] + (-0.08, -0.08), (b[1, 0] - 0.12, low)])
    cv2.fillPoly(image, [pixels(inside)], (52, 60, 68))
    middle = (a[1, 0] + b[0, 0]) / 2 + 0.1
    for x in (middle, middle + 0.0):
        cv2.fillPoly(image, [pixels(np.array([(x, 0.3), (x + 0.07, 0.3), (x + 0.07, 1.5), (x, 1.5)]))], (206, 206, 206))
    cv2.line(image, tuple(pixels(np.array([(0.1, 0.66)]))[0]), tuple(pixels(np.array([(4.2, 0.7)]))[0]), (160,) * 3, 6)
    for x in (0.82, 3.45):
        hub = tuple(pixels(np.array([(x, 0.32)]))[0])
        for radius, tone in ((0.36, 40), (0.32, 26), (0.2, 150), (0.06, 60)):
            cv2.circle(image, hub, round(radius * scale * draw), (tone,) * 3, -1)
        cv2.circle(alpha, hub, round(0.32 * scale * draw), 255, -1)
    small = [cv2.resize(part, (w, h), interpolation=cv2.INTER_AREA) for part in (image, alpha)]
    if mirrored:
        small = [np.ascontiguousarray(part[:, ::-1]) for part in small]
    return Texture(small[0], (CAR_LENGTH, CAR_HEIGHT), False, small[1])


def car_end(front: bool) -> Texture:
    """Nose or tail, stretched over the first strip of the outline: lamps, grille, number plate."""
    image = np.full((48, 128, 3), 205, np.uint8)
    lamp = (250, 246, 224) if front else (190, 30, 26)
    for x in (4, 98):
        cv2.rectangle(image, (x, 6), (x + 26, 20), lamp, -1)
    cv2.rectangle(image, (36, 10), (92, 22), (48, 48, 50) if front else (170, 170, 170), -1)
    cv2.rectangle(image, (44, 28), (84, 38), (236, 236, 226), -1)
    cv2.rectangle(image, (0, 42), (127, 47), (60, 60, 60), -1)
    return Texture(image, (CAR_WIDTH, 0.5))


SKINS = ((236, 200, 176), (208, 160, 128), (150, 104, 76), (98, 66, 48))
CLOTHES = (
    (150, 44, 44), (44, 66, 116), (60, 92, 62), (40, 40, 44), (196, 188, 172), (206, 150, 50), (118, 84, 130),
    (90, 130, 150), (220, 220, 216), (120, 76, 50),
)  # fmt: skip


def passer_by(rng: np.random.Generator) -> Texture:
    """A walking figure of 1.8 m, cut out by alpha."""
    scale, w, h = 256, 0.84, 1.8
    image, alpha = np.zeros((round(h * scale), round(w * scale), 3), np.uint8), None
    alpha = np.zeros(image.shape[:2], np.uint8)

    def draw(points: list[tuple[float, float]], colour: tuple[int, ...], width: float) -> None:
        at = [(round((x + w / 2) * scale), round((h - y) * scale)) for x, y in points]
        for picture, value in ((image, colour), (alpha, (255,))):
            cv2.polylines(picture, [np.array(at, np.int32)], False, value, round(width * scale), cv2.LINE_8)

    def pick(options: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        return tuple(int(c) for c in options[int(rng.integers(len(options)))])

    skin, coat, trousers, hair = pick(SKINS), pick(CLOTHES), pick(CLOTHES), pick(((40, 28, 22), (110, 78, 44), (150, 150, 150), (26, 22, 22)))
    stride, dark = rng.uniform(0.08, 0.22), tuple(int(0.75 * c) for c in coat)
    for side in (-1, 1):
        draw([(0.05 * side, 0.85), (0.5 * stride * side + 0.03, 0.45), (stride * side, 0.06)], trousers, 0.14)
        draw([(stride * side, 0.03), (stride * side + 0.12, 0.03)], (30, 26, 26), 0.07)
    draw([(-0.16, 1.36), (-0.24 - stride / 2, 1.05), (-0.16 - stride / 2, 0.86)], dark, 0.1)
    draw([(0, 0.86 if rng.random() < 0.6 else 0.6), (0, 1.3)], coat, 0.4)
    draw([(0.16, 1.36), (0.24 + stride / 2, 1.05), (0.24 + stride / 2, 0.9)], dark, 0.1)
    draw([(0, 1.4), (0, 1.52)], skin, 0.1)
    for centre, radius, colour in (((-0.012, 1.635), 0.118, hair), ((0.012, 1.6), 0.102, skin), ((-0.005, 1.7), 0.085, hair)):
        at = (round((centre[0] + w / 2) * scale), round((h - centre[1]) * scale))
        cv2.circle(image, at, round(radius * scale), colour, -1)
        cv2.circle(alpha, at, round(radius * scale), 255, -1)
    if rng.random() < 0.5:
        draw([(0.26 + stride / 2, 0.84), (0.26 + stride / 2, 0.6)], pick(CLOTHES), 0.16)
    # Colour runs on under the edge, so that filtering does not draw a dark seam.
    grown = cv2.dilate(image, np.ones((9, 9), np.uint8))
    image = np.where(alpha[..., None] > 0, image, grown)
    size = round(w * 64), round(h * 64)
    picture, shape = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (image, alpha))
    return Texture(picture, (w, h), False, shape)


def clouds(rng: np.random.Generator, n: int = 512) -> Image:
    """Repeating cloud cover n x n uint8, 0 clear to 255 thick."""
    cover = sum(noise(rng, n, n, n // k, wrap=True) / k**0.8 for k in (3, 6, 12, 24, 48))
    return np.clip(128 + 150 * np.asarray(cover), 0, 255).astype(np.uint8)


def awning(rng: np.random.Generator) -> Texture:
    """Striped cloth, stretched over an awning."""
    colour = rng.uniform(40, 180, 3)
    stripes = np.where((np.arange(192) // 8 % 2 == 0)[:, None], colour, (236, 232, 222))
    return _texture(np.repeat(stripes[None], 24, axis=0).astype(np.float32), (3.0, 0.4))
