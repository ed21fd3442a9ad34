"""From hits to a picture: rip-mapped textures, light and shadow, haze, sky."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lofivpr.places.town.camera import Camera
from lofivpr.places.town.light import Light, Shadows, sky
from lofivpr.places.town.surfaces import Balls, Label, Surfaces
from lofivpr.places.town.texture import LEVELS, Atlas
from lofivpr.places.town.trace import Hits, trace

Floats = NDArray[np.float32]
# Shadows are looked up this far towards the sun, so that a surface does not shade itself.
LIFT = 1.0


@dataclass(frozen=True)
class Rendered:
    """A picture with its truth. Depth and labels are those of the ray through each pixel's centre.

    Attributes:
        image: H x W x 3 uint8 RGB.
        depth: H x W float32 metres: z-depth of a pinhole, range of a panorama, infinite in the sky.
        labels: H x W uint8 of `Label`.
    """

    image: NDArray[np.uint8]
    depth: Floats
    labels: NDArray[np.uint8]

    def mask(self, label: Label) -> NDArray[np.bool_]:
        """H x W bool: the pixels of one label."""
        return np.asarray(self.labels == int(label))


@dataclass(frozen=True)
class Scene:
    """What is there to see: surfaces, balls, textures, light, shadows, clouds."""

    surfaces: Surfaces
    balls: Balls
    atlas: Atlas
    light: Light
    shadows: Shadows
    clouds: NDArray[np.uint8]


def paint(scene: Scene, camera: Camera, supersample: int = 2) -> NDArray[np.uint8]:
    """The picture alone, H x W x 3 uint8 RGB, from supersample^2 rays a pixel."""
    fine = camera.scaled(supersample)
    hits = trace(fine, scene.surfaces, scene.balls, scene.atlas, scene.light.direction)
    depth = np.float32(1) / np.maximum(hits.inverse, np.float32(1e-6))
    texels = _sample(scene, fine, hits, depth)
    image = _shade(scene, fine, hits, depth, texels)
    if supersample == 1:
        return image
    return np.asarray(cv2.resize(image, (camera.width, camera.height), interpolation=cv2.INTER_AREA), np.uint8)


def survey(scene: Scene, camera: Camera) -> tuple[Floats, NDArray[np.uint8]]:
    """Depth and labels of the rays through the pixel centres."""
    hits = trace(camera, scene.surfaces, scene.balls, scene.atlas, scene.light.direction)
    labels = np.concatenate([[int(Label.SKY)], scene.surfaces.label, np.full(len(scene.balls), int(Label.TREE))])
    return hits.depth, labels.astype(np.uint8)[hits.surface]


def render(scene: Scene, camera: Camera, supersample: int = 2) -> Rendered:
    """Picture, depth and labels."""
    depth, labels = survey(scene, camera)
    return Rendered(paint(scene, camera, supersample), depth, labels)


def _look(table: NDArray[np.float64], number: NDArray[np.int64]) -> Floats:
    """table[number] as float32; `clip` skips the bounds check, which is most of the cost."""
    return np.asarray(table.astype(np.float32).take(number, mode="clip"))


def _with_sky(surfaces: NDArray[np.float64], balls: int, value: float, sky_value: float = 0.0) -> NDArray[np.float64]:
    """A table over surface numbers: the sky, the rectangles, the balls."""
    return np.concatenate([[sky_value], surfaces, np.full(balls, value)])


def _sample(scene: Scene, camera: Camera, hits: Hits, depth: Floats) -> NDArray[np.uint8]:
    """Texture colours: the level of each axis follows from the footprint of the pixel along it."""
    surfaces, atlas, count = scene.surfaces, scene.atlas, len(scene.balls)
    rel = surfaces.origin - np.asarray(camera.position)
    away = np.abs(np.einsum("ij,ij->i", surfaces.normal, rel))
    close = _with_sky(1 / np.maximum(away, 1e-3), count, 0.0)
    texture = np.concatenate([[0], surfaces.texture, scene.balls.texture])
    pixels = []
    for column, (axis, value) in enumerate(((surfaces.u, hits.s), (surfaces.v, hits.t))):
        scale = _with_sky(surfaces.scale[:, column], count, 1.0, 1.0)
        foot = _with_sky(-np.einsum("ij,ij->i", rel, axis), count, 0.0)
        start, rate = ((atlas.x, atlas.scale_x), (atlas.y, atlas.scale_y))[column]
        rate = scale[:, None] * rate[texture]
        period = np.where(atlas.repeat[texture], atlas.size[texture, column], 0) / scale
        metres = value * depth
        level = _levels(hits.surface, metres, depth, foot, close, rate[:, 0] * camera.pixel_angle)
        at = hits.surface * LEVELS + level
        # A period of 0 does not repeat: its inverse is set to 0 too.
        inverse = np.divide(1, period, out=np.zeros_like(period), where=period > 0)
        turns = np.floor(metres * _look(inverse, hits.surface))
        metres -= turns * _look(period, hits.surface)
        start = start[texture].astype(np.float64)
        start[0], rate[0] = 0, 0
        pixels.append(_look(start.ravel(), at) + metres * _look(rate.ravel(), at))
    return np.asarray(cv2.remap(atlas.image, pixels[0], pixels[1], cv2.INTER_LINEAR), np.uint8)


def _levels(
    number: NDArray[np.int64], metres: Floats, depth: Floats, foot: NDArray[np.float64],
    close: NDArray[np.float64], density: NDArray[np.float64],
) -> NDArray[np.int64]:  # fmt: skip
    """Halvings along one axis for each pixel, from every second pixel.

    A pixel of angle a at distance z covers a z sqrt(1 + (x / h)^2) metres along an axis of a plane at distance
    h, x metres from the foot of the perpendicular.
    """
    few, metres, depth = number[::2, ::2], metres[::2, ::2], depth[::2, ::2]
    slant = (metres - _look(foot, few)) * _look(close, few)
    size = _look(density, few) * depth * np.sqrt(1 + slant * slant)
    level = np.clip(np.log2(np.maximum(size, np.float32(1e-3))) + np.float32(0.35), 0, LEVELS - 1).astype(np.uint8)
    full = cv2.resize(level, None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST)
    return np.asarray(full[: number.shape[0], : number.shape[1]], np.int64)


def _shade(scene: Scene, camera: Camera, hits: Hits, depth: Floats, texels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Light times texture, then haze; the sky where nothing is hit."""
    light, number, count = scene.light, hits.surface, len(scene.balls)
    sun, normal = light.direction, scene.surfaces.normal
    tint = np.concatenate([np.zeros((1, 3)), scene.surfaces.tint, scene.balls.tint])
    facing = _with_sky(np.maximum(normal @ sun, 0), count, 0.75)
    # Walls see half the sky, those to the east a little more of the bright part.
    open_ = _with_sky(0.86 + 0.14 * normal[:, 2] + 0.05 * normal[:, 0], count, 0.9)
    axes, box = camera.axes(), (0, camera.height, 0, camera.width)
    x, y, z = (
        camera.dot(camera.turn(e), axes, box) * depth + np.float32(p + LIFT * g)
        for e, p, g in zip(np.eye(3), camera.position, sun, strict=True)
    )
    lit = scene.shadows.lit(x, y, z) * hits.shade
    haze = np.exp(depth * camera.norms() * np.float32(-light.haze))
    planes = []
    for c, texel in enumerate(cv2.split(texels)):
        soft = _look(tint[:, c] * open_ * light.ambient[c], number) * hits.shade
        soft += _look(tint[:, c] * facing * light.sun[c], number) * lit
        veil = np.float32(light.horizon[c] * 0.92)
        soft *= texel
        soft -= veil
        soft *= haze
        # OpenCV rounds and saturates while it narrows.
        planes.append(cv2.convertScaleAbs(np.maximum(soft + veil, 0)))
    image = cv2.merge(planes)
    rows, columns = np.nonzero(number == 0)
    if len(rows):
        d = np.stack([camera.dot(camera.turn(e), axes, box)[rows, columns] for e in np.eye(3)], axis=1)
        d /= np.linalg.norm(d, axis=1, keepdims=True)
        image[rows, columns] = cv2.convertScaleAbs(sky(d, light, scene.clouds))
    return np.asarray(image, np.uint8)
