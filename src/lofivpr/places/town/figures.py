"""Cars and passers-by: painted shapes cut out by alpha."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from lofivpr.places.town.texture import Texture, shrink

PAINTS = (
    (0.95, 0.95, 0.95), (0.2, 0.2, 0.22), (0.55, 0.57, 0.6), (0.62, 0.14, 0.13), (0.16, 0.26, 0.5), (0.36, 0.38, 0.4),
    (0.2, 0.36, 0.28), (0.8, 0.72, 0.55), (0.85, 0.6, 0.15), (0.3, 0.5, 0.6),
)  # fmt: skip
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


def car_side(kind: int, mirrored: bool, paint: tuple[float, float, float]) -> Texture:
    """The side of a painted car, cut out by alpha."""
    scale, draw = 64.0, 2
    w, h = round(CAR_LENGTH * scale), round(CAR_HEIGHT * scale)
    profile = np.array(CAR_PROFILES[kind])

    def pixels(points: NDArray[np.float64]) -> NDArray[np.int32]:
        return np.round(np.stack([points[:, 0], CAR_HEIGHT - points[:, 1]], 1) * scale * draw).astype(np.int32)

    def body(tone: int) -> tuple[float, ...]:
        return tuple(tone * part for part in paint)

    image, alpha = np.zeros((h * draw, w * draw, 3), np.uint8), np.zeros((h * draw, w * draw), np.uint8)
    image[:] = body(225)
    cv2.fillPoly(alpha, [pixels(profile)], 255)
    image[-round(0.5 * scale * draw) :] = body(190)
    a, b = profile[3:5], profile[5:7]
    low = max(a[0, 1], b[1, 1]) + 0.02
    inside = np.array([a[0] + (0.16, 0.03), a[1] + (0.06, -0.07), b[0] + (-0.08, -0.08), (b[1, 0] - 0.12, low)])
    cv2.fillPoly(image, [pixels(inside)], (52, 60, 68))
    middle = (a[1, 0] + b[0, 0]) / 2 + 0.1
    post = np.array([(middle, 0.3), (middle + 0.07, 0.3), (middle + 0.07, 1.5), (middle, 1.5)])
    cv2.fillPoly(image, [pixels(post)], body(206))
    cv2.polylines(image, [pixels(np.array([(0.1, 0.66), (4.2, 0.7)]))], False, body(160), 3)
    for x in (0.82, 3.45):
        hub = tuple(pixels(np.array([(x, 0.32)]))[0])
        for radius, tone in ((0.36, 40), (0.32, 26), (0.2, 150), (0.06, 60)):
            cv2.circle(image, hub, round(radius * scale * draw), (tone,) * 3, -1)
        cv2.circle(alpha, hub, round(0.32 * scale * draw), 255, -1)
    small = [shrink(part, w, h) for part in (image, alpha)]
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
    image = np.zeros((round(h * scale), round(w * scale), 3), np.uint8)
    alpha = np.zeros(image.shape[:2], np.uint8)

    def draw(points: list[tuple[float, float]], colour: tuple[int, ...], width: float) -> None:
        at = [(round((x + w / 2) * scale), round((h - y) * scale)) for x, y in points]
        for picture, value in ((image, colour), (alpha, (255,))):
            cv2.polylines(picture, [np.array(at, np.int32)], False, value, round(width * scale), cv2.LINE_8)

    def pick(options: tuple[tuple[int, ...], ...]) -> tuple[int, ...]:
        return tuple(int(c) for c in options[int(rng.integers(len(options)))])

    skin, coat, trousers, hair = (
        pick(SKINS),
        pick(CLOTHES),
        pick(CLOTHES),
        pick(((40, 28, 22), (110, 78, 44), (150, 150, 150), (26, 22, 22))),
    )
    stride, dark = rng.uniform(0.08, 0.22), tuple(int(0.75 * c) for c in coat)
    for side in (-1, 1):
        draw([(0.05 * side, 0.85), (0.5 * stride * side + 0.03, 0.45), (stride * side, 0.06)], trousers, 0.14)
        draw([(stride * side, 0.03), (stride * side + 0.12, 0.03)], (30, 26, 26), 0.07)
    draw([(-0.16, 1.36), (-0.24 - stride / 2, 1.05), (-0.16 - stride / 2, 0.86)], dark, 0.1)
    draw([(0, 0.86 if rng.random() < 0.6 else 0.6), (0, 1.3)], coat, 0.4)
    draw([(0.16, 1.36), (0.24 + stride / 2, 1.05), (0.24 + stride / 2, 0.9)], dark, 0.1)
    draw([(0, 1.4), (0, 1.52)], skin, 0.1)
    for centre, radius, colour in (
        ((-0.012, 1.635), 0.118, hair),
        ((0.012, 1.6), 0.102, skin),
        ((-0.005, 1.7), 0.085, hair),
    ):
        at = (round((centre[0] + w / 2) * scale), round((h - centre[1]) * scale))
        cv2.circle(image, at, round(radius * scale), colour, -1)
        cv2.circle(alpha, at, round(radius * scale), 255, -1)
    if rng.random() < 0.5:
        draw([(0.26 + stride / 2, 0.84), (0.26 + stride / 2, 0.6)], pick(CLOTHES), 0.16)
    # Colour runs on under the edge, so that filtering does not draw a dark seam.
    grown = cv2.dilate(image, np.ones((9, 9), np.uint8))
    image = np.where(alpha[..., None] > 0, image, grown)
    picture, shape = (shrink(part, round(w * 64), round(h * 64)) for part in (image, alpha))
    return Texture(picture, (w, h), False, shape)
