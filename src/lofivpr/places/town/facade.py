"""Painted fronts of houses: brick, plaster, stone, timber frame, concrete and glass, with windows, doors, shops."""

from __future__ import annotations

import cv2
import numpy as np

from lofivpr.places.town.painter import DENSITY, Painter
from lofivpr.places.town.style import Style, draw_style
from lofivpr.places.town.texture import Texture, grain, noise


def _masonry(p: Painter, style: Style) -> None:
    """The bare wall."""
    kind = style.family
    p.image[:] = grain(p.rng, style.wall, p.h, p.w, 4.0 if kind in ("plaster", "timber") else 6.0)
    if kind == "brick":
        p.courses(5, 10, 26.0, 22.0)
    elif kind == "stone":
        p.courses(13, 26, 14.0, 18.0)
    elif kind == "concrete":
        p.courses(round(style.floor * DENSITY), round(style.bay * DENSITY), 6.0, 26.0, bond=False)


def window(p: Painter, style: Style, x: float, y: float, w: float, h: float) -> None:
    """A window whose lower middle is at (x, y)."""
    x0, x1 = x - w / 2, x + w / 2
    if style.family != "glass":
        frame = 0.12
        p.rect(x0 - frame, y - 0.02, x1 + frame, y + h + frame, style.trim)
        p.dim(x0 - frame, y - 0.3, x1 + frame, y - 0.1, 0.86)
        p.rect(x0 - frame - 0.06, y - 0.12, x1 + frame + 0.06, y, tuple(0.93 * c for c in style.trim))
    bar = (228, 226, 220) if style.family in ("brick", "plaster") else (70, 66, 62)
    p.rect(x0, y, x1, y + h, bar)
    p.glass(x0 + 0.05, y + 0.05, x1 - 0.05, y + h - 0.05)
    columns, rows = style.panes
    for i in range(1, columns):
        p.rect(x0 + i * w / columns - 0.03, y, x0 + i * w / columns + 0.03, y + h, bar)
    for j in range(1, rows):
        p.rect(x0, y + j * h / rows - 0.03, x1, y + j * h / rows + 0.03, bar)
    p.dim(x0, y + h - 0.12, x1, y + h, 0.6)
    if style.arch:
        _arch(p, style, x, y + h, w)
    if style.shutters:
        for left in (x0 - 0.12 - w * 0.45, x1 + 0.12):
            p.rect(left, y, left + w * 0.45, y + h, style.accent)
            for k in range(int(h / 0.16)):
                p.dim(left + 0.06, y + 0.05 + k * 0.16, left + w * 0.45 - 0.06, y + 0.1 + k * 0.16, 0.75)


def _arch(p: Painter, style: Style, x: float, y: float, w: float) -> None:
    middle = (round(x * DENSITY), p.h - round(y * DENSITY))
    outer, inner = round((w / 2 + 0.14) * DENSITY), round(w / 2 * DENSITY)
    cv2.ellipse(p.image, middle, (outer, outer * 2 // 3), 0, 180, 360, style.trim, -1, cv2.LINE_8)
    cv2.ellipse(p.image, middle, (inner, inner * 2 // 3), 0, 180, 360, (62, 70, 80), -1, cv2.LINE_8)


def door(p: Painter, style: Style, x: float, w: float = 1.1, h: float = 2.3) -> None:
    """A panelled door with a fanlight and a step."""
    p.rect(x - w / 2 - 0.18, 0, x + w / 2 + 0.18, h + 0.65, style.trim)
    p.rect(x - w / 2, 0, x + w / 2, h, style.accent)
    p.glass(x - w / 2, h + 0.08, x + w / 2, h + 0.48)
    for i in (-1, 1):
        for low, high in ((0.25, 0.95), (1.1, 2.0)):
            p.dim(x + i * w / 4 - 0.17, low, x + i * w / 4 + 0.17, high, 0.8)
    p.rect(x + w / 2 - 0.2, 1.0, x + w / 2 - 0.1, 1.12, (216, 186, 90))
    p.rect(x - w / 2 - 0.3, 0, x + w / 2 + 0.3, 0.14, (168, 164, 156))


def shopfront(p: Painter, style: Style) -> None:
    """Large panes with goods, a door, a fascia above (the sign is a board of its own) and an awning strip."""
    width, top = style.size[0], style.ground - 0.25
    p.rect(0, 0, width, top, style.accent)
    count = max(2, round(width / 2.2))
    step, entry = width / count, int(p.rng.integers(count))
    for i in range(count):
        x0, x1 = i * step + 0.12, (i + 1) * step - 0.12
        low = 0.1 if i == entry else 0.55
        p.glass(x0, low, x1, top - 0.85)
        if i == entry:
            p.rect((x0 + x1) / 2 - 0.04, low, (x0 + x1) / 2 + 0.04, top - 0.85, style.accent)
            continue
        for _ in range(int(p.rng.integers(4, 11))):
            gx, gy = x0 + p.rng.random() * (x1 - x0 - 0.3), low + 0.05 + 0.65 * p.rng.integers(0, 3)
            goods = tuple(float(c) for c in p.rng.uniform(60, 235, 3))
            p.rect(gx, gy, gx + p.rng.uniform(0.12, 0.4), gy + p.rng.uniform(0.15, 0.5), goods)
    p.dim(0, top - 0.85, width, top - 0.75, 0.6)
    p.rect(0, top, width, top + 0.14, tuple(0.9 * c for c in style.trim))


def _ground_floor(p: Painter, style: Style) -> None:
    if style.bottom == "shop":
        shopfront(p, style)
        return
    if style.family in ("plaster", "stone"):
        p.dim(0, 0, style.size[0], 0.7, 0.82)
    else:
        p.rect(0, 0, style.size[0], 0.35, (112, 106, 100))
    entry = int(p.rng.integers(style.bays))
    for i in range(style.bays):
        x = (i + 0.5) * style.bay
        if i == entry:
            door(p, style, x, *((2.2, 2.5) if style.bottom == "lobby" else (1.1, 2.3)))
        else:
            window(p, style, x, 1.0, style.window[0], min(style.window[1], style.ground - 1.6))


def _timbers(p: Painter, style: Style) -> None:
    """The beams of a timber frame: sills, posts, braces."""
    beam = tuple(float(c) for c in np.array((74, 52, 38)) + p.rng.normal(0, 8))
    width, top = style.size
    for k in range(style.floors + 1):
        y = style.ground + k * style.floor
        p.line([(0, y), (width, y)], 0.24, beam)
        if k == style.floors:
            break
        for i in range(style.bays + 1):
            p.line([(i * style.bay, y), (i * style.bay, y + style.floor)], 0.2, beam)
            for side in (-1, 1):
                foot = i * style.bay + side * 0.62
                p.line([(i * style.bay, y + style.floor * 0.85), (foot, y)], 0.14, beam)
    p.line([(0, top), (width, top)], 0.3, beam)


def _balcony(p: Painter, style: Style, x: float, y: float) -> None:
    """A shallow iron balcony before a window: rails with light between them."""
    w = style.window[0] / 2 + 0.35
    p.rect(x - w, y - 0.22, x + w, y - 0.08, tuple(0.8 * c for c in style.trim))
    p.dim(x - w, y - 0.5, x + w, y - 0.22, 0.75)
    for k in np.arange(-w, w, 0.13):
        p.rect(x + k, y - 0.08, x + k + 0.04, y + 0.85, (34, 36, 38))
    p.rect(x - w, y + 0.8, x + w, y + 0.87, (34, 36, 38))


def _mouldings(p: Painter, style: Style) -> None:
    """String courses, quoins, cornice, a downpipe and the stains of weather."""
    width, height = style.size
    light, dark = style.trim, tuple(0.8 * c for c in style.trim)
    if style.family in ("plaster", "stone") and style.floors > 1:
        for k in range(style.floors):
            p.rect(0, style.ground + k * style.floor - 0.12, width, style.ground + k * style.floor + 0.08, dark)
    if style.family in ("brick", "stone") and p.rng.random() < 0.5:
        for k in range(int(height / 0.7)):
            reach = 0.42 if k % 2 else 0.28
            p.rect(0, k * 0.7, reach, k * 0.7 + 0.36, light)
            p.rect(width - reach, k * 0.7, width, k * 0.7 + 0.36, light)
    p.dim(0, height - 0.75, width, height - 0.42, 0.7)
    p.rect(0, height - 0.42, width, height, dark)
    p.rect(0, height - 0.26, width, height - 0.1, light)
    if p.rng.random() < 0.5 and style.bottom != "shop":
        x = 0.14 if p.rng.random() < 0.5 else width - 0.2
        p.rect(x, 0, x + 0.1, height - 0.42, (70, 72, 72))
    stain = 1 - 0.12 * np.clip(noise(p.rng, p.h, p.w, 90), 0, 1) - 0.06 * np.clip(noise(p.rng, 2, p.w, 5)[:1], 0, 1)
    p.image *= stain[..., None]


def paint_facade(style: Style, rng: np.random.Generator) -> Texture:
    """The front of a house in a style: texture of DENSITY pixels a metre."""
    p = Painter(*style.size, rng)
    _masonry(p, style)
    if style.family == "timber":
        _timbers(p, style)
    for k in range(style.floors):
        y = style.ground + k * style.floor + (style.floor - style.window[1]) * 0.45
        for i in range(style.bays):
            window(p, style, (i + 0.5) * style.bay, y, *style.window)
            if style.balconies and k < style.floors and (i + k) % (3 - style.balconies) == 0:
                _balcony(p, style, (i + 0.5) * style.bay, y)
    _ground_floor(p, style)
    _mouldings(p, style)
    return p.texture()


def paint_back(rng: np.random.Generator, width: float = 9.0, height: float = 11.0) -> Texture:
    """A party wall or the back of a house: masonry and a few small windows."""
    style = draw_style(rng, str(rng.choice(["brick", "plaster", "concrete"])))
    p = Painter(width, height, rng)
    _masonry(p, style)
    for _ in range(int(rng.integers(0, 4))):
        x, y = rng.uniform(1, width - 1), 1.0 + 3.1 * rng.integers(0, 3)
        window(p, style, float(x), float(y), 0.8, 1.2)
    p.image *= (1 - 0.2 * np.clip(noise(rng, p.h, p.w, 80), 0, 1))[..., None]
    return p.texture()


def paint_oriel(rng: np.random.Generator, width: float = 1.9, height: float = 5.2) -> Texture:
    """The front of a two-storey bay window, used for its sides too."""
    style = draw_style(rng, str(rng.choice(["brick", "plaster", "stone"])))
    p = Painter(width, height, rng)
    p.image[:] = grain(rng, style.trim, p.h, p.w, 4.0)
    for y in (0.7, 3.3):
        p.rect(0.12, y, width - 0.12, y + 1.5, (228, 226, 220))
        for i in range(3):
            p.glass(0.17 + i * 0.54, y + 0.06, 0.63 + i * 0.54, y + 1.44)
        p.dim(0, y - 0.25, width, y - 0.1, 0.8)
    return p.texture()
