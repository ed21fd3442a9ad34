"""Colours of rays: rip-mapped textures, light and shadow, haze, sky.

All tables below have one row a surface that is seen: the sky, rectangles, balls, in this order.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lofivpr.places.town.light import Light, Shadows, sky
from lofivpr.places.town.surfaces import Balls, Surfaces
from lofivpr.places.town.texture import LEVELS, Atlas
from lofivpr.places.town.trace import coordinates, wrapped

Floats = NDArray[np.float32]
Position = tuple[float, float, float]
# Shadows are looked up this far towards the sun, so that a surface does not shade itself.
LIFT = 1.0


@dataclass(frozen=True)
class Scene:
    """What is there to see: surfaces, balls, textures, light, shadows, clouds."""

    surfaces: Surfaces
    balls: Balls
    atlas: Atlas
    light: Light
    shadows: Shadows
    clouds: NDArray[np.uint8]


@dataclass(frozen=True)
class Rays:
    """Rays of any array shape: directions in the world, the surface each one hits, and its angle, radians."""

    directions: tuple[Floats, ...]
    surface: NDArray[np.int64]
    angle: float


@dataclass(frozen=True)
class _Hit:
    """Where the rays end: row of the tables, depth and texture coordinates in metres, own shade."""

    row: NDArray[np.int64]
    depth: Floats
    s: Floats
    t: Floats
    shade: Floats


def colours(scene: Scene, position: Position, rays: Rays) -> NDArray[np.uint8]:
    """RGB of rays that start at one position: uint8, the shape of the rays x 3."""
    count = np.bincount(rays.surface.ravel(), minlength=1 + len(scene.surfaces) + len(scene.balls))
    seen = np.flatnonzero(count)
    number = np.zeros(len(count), np.int64)
    sky_row = 0 if seen[0] == 0 else None
    number[seen] = np.arange(len(seen)) + (sky_row is None)
    flat = scene.surfaces.take(seen[(seen > 0) & (seen <= len(scene.surfaces))] - 1)
    balls = scene.balls.take(seen[seen > len(scene.surfaces)] - 1 - len(scene.surfaces))
    near = Scene(flat, balls, scene.atlas, scene.light, scene.shadows, scene.clouds)
    hit = _meet(near, position, rays, number.take(rays.surface))
    texels = _sample(near, position, hit, rays.angle)
    image = _shade(near, position, rays, hit, texels)
    at = np.nonzero(hit.row == 0)
    if len(at[0]):
        d = np.stack([part[at] for part in rays.directions], axis=1)
        d /= np.linalg.norm(d, axis=1, keepdims=True)
        image[at] = cv2.convertScaleAbs(sky(d, scene.light, scene.clouds))
    return image


def _look(table: NDArray[np.float64], row: NDArray[np.int64]) -> Floats:
    """table[row] as float32; `clip` skips the bounds check, which is most of the cost."""
    return np.asarray(table.astype(np.float32).take(row, mode="clip"))


def _table(flat: NDArray[np.float64], balls: int, value: float, sky_value: float = 0.0) -> NDArray[np.float64]:
    return np.concatenate([[sky_value], flat, np.full(balls, value)])


def _meet(scene: Scene, position: Position, rays: Rays, row: NDArray[np.int64]) -> _Hit:
    x, y, z = rays.directions
    vectors = coordinates(position, scene.surfaces)
    parts = []
    for i in range(3):
        cx, cy, cz = (_look(_table(vectors[:, i, c], len(scene.balls), 0.0), row) for c in range(3))
        parts.append(cx * x + cy * y + cz * z)
    depth = 1 / np.maximum(parts[0], np.float32(1e-6))
    hit = _Hit(row, depth, parts[1] * depth, parts[2] * depth, np.ones_like(depth))
    at = np.nonzero(row > len(scene.surfaces))
    if len(at[0]):
        _meet_balls(scene, position, tuple(part[at] for part in rays.directions), hit, at)
    return hit


def _meet_balls(
    scene: Scene, position: Position, directions: tuple[Floats, ...], hit: _Hit, at: tuple[NDArray[np.intp], ...]
) -> None:
    """Depth, coordinates and shade on the balls: where the ray enters, or comes closest."""
    ball = hit.row[at] - 1 - len(scene.surfaces)
    centre = (scene.balls.centre - np.asarray(position)).astype(np.float32)[ball].T
    radius = scene.balls.radius.astype(np.float32)[ball]
    square = sum(d * d for d in directions)
    along = sum(d * c for d, c in zip(directions, centre, strict=True))
    inner = along * along - square * (sum(c * c for c in centre) - radius * radius)
    depth = (along - np.sqrt(np.maximum(inner, 0))) / square
    offset = [d * depth - c for d, c in zip(directions, centre, strict=True)]
    hit.depth[at] = depth
    hit.s[at], hit.t[at] = wrapped(offset[0], offset[1], offset[2], radius)
    lit = sum(o * np.float32(g) for o, g in zip(offset, scene.light.direction, strict=True))
    hit.shade[at] = 0.72 + 0.42 * lit / radius


def _sample(scene: Scene, position: Position, hit: _Hit, angle: float) -> NDArray[np.uint8]:
    """Texture colours: the level of each axis follows from the footprint of the ray along it.

    A ray of angle a at depth z covers a z sqrt(1 + (x / h)^2) metres along an axis of a plane at distance h,
    x metres from the foot of the perpendicular.
    """
    surfaces, atlas, balls = scene.surfaces, scene.atlas, len(scene.balls)
    rel = surfaces.origin - np.asarray(position)
    away = np.abs(np.einsum("ij,ij->i", surfaces.normal, rel))
    close = _look(_table(1 / np.maximum(away, 1e-3), balls, 0.0), hit.row)
    texture = np.concatenate([[0], surfaces.texture, scene.balls.texture])
    pixels = []
    for column, (axis, metres) in enumerate(((surfaces.u, hit.s), (surfaces.v, hit.t))):
        scale = _table(surfaces.scale[:, column], balls, 1.0, 1.0)
        foot = _table(-np.einsum("ij,ij->i", rel, axis), balls, 0.0)
        start, rate = ((atlas.x, atlas.scale_x), (atlas.y, atlas.scale_y))[column]
        start, rate = start[texture].astype(np.float64), scale[:, None] * rate[texture]
        start[0], rate[0] = 0, 0
        slant = (metres - _look(foot, hit.row)) * close
        size = _look(rate[:, 0] * angle, hit.row) * hit.depth * np.sqrt(1 + slant * slant)
        level = np.log2(np.maximum(size, np.float32(1e-3))) + np.float32(BIAS)
        at = hit.row * LEVELS + np.clip(level, 0, LEVELS - 1).astype(np.int64)
        # A period of 0 does not repeat: its inverse is set to 0 too.
        period = np.where(atlas.repeat[texture], atlas.size[texture, column], 0) / scale
        inverse = np.divide(1, period, out=np.zeros_like(period), where=period > 0)
        turns = np.floor(metres * _look(inverse, hit.row))
        pixel = (metres - turns * _look(period, hit.row)) * _look(rate.ravel(), at)
        pixels.append(pixel + _look(start.ravel(), at))
    return np.asarray(cv2.remap(atlas.image, pixels[0], pixels[1], cv2.INTER_LINEAR), np.uint8)


BIAS = 0.3  # levels; 0.5 would round to the nearest, less is sharper


def _shade(scene: Scene, position: Position, rays: Rays, hit: _Hit, texels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Light times texture, then haze."""
    light, balls = scene.light, len(scene.balls)
    sun, normal = light.direction, scene.surfaces.normal
    tint = np.concatenate([np.zeros((1, 3)), scene.surfaces.tint, scene.balls.tint])
    facing = _table(np.maximum(normal @ sun, 0), balls, 0.75)
    # Walls see half the sky, those to the east a little more of the bright part.
    open_ = _table(0.86 + 0.14 * normal[:, 2] + 0.05 * normal[:, 0], balls, 0.9)
    x, y, z = (d * hit.depth + np.float32(p + LIFT * g) for d, p, g in zip(rays.directions, position, sun, strict=True))
    lit = scene.shadows.lit(x, y, z) * hit.shade
    length = np.sqrt(sum(d * d for d in rays.directions))
    haze = np.exp(hit.depth * length * np.float32(-light.haze))
    planes = []
    for c, texel in enumerate(cv2.split(texels)):
        soft = _look(tint[:, c] * open_ * light.ambient[c], hit.row) * hit.shade
        soft += _look(tint[:, c] * facing * light.sun[c], hit.row) * lit
        veil = np.float32(light.horizon[c] * 0.92)
        soft *= texel
        soft -= veil
        soft *= haze
        # OpenCV rounds and saturates while it narrows.
        planes.append(cv2.convertScaleAbs(np.maximum(soft + veil, 0)))
    return np.asarray(cv2.merge(planes), np.uint8)
