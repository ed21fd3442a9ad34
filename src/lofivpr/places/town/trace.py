"""Which surface each pixel sees: exact ray casting with a depth buffer, on boxes of pixels.

With point = position + z d, a rectangle with unit axes u, v, normal n and relative origin r = origin - position
is hit at 1/z = d . n / (n . r), and its coordinates are s/z = d . (u + e n'), e = -r . u, n' = n / (n . r);
t alike. All are dot products of the ray with one vector a rectangle, so that the inside test costs five
additions a pixel of a pinhole camera. Balls solve the usual quadratic.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lofivpr.places.town.camera import Camera, PinholeCamera
from lofivpr.places.town.surfaces import Balls, Surfaces
from lofivpr.places.town.texture import Atlas

Floats = NDArray[np.float32]
FAR = 420.0


@dataclass(frozen=True)
class Hits:
    """Per pixel: 1 / depth (0 = sky), and which surface: 0 the sky, 1 + k rectangle k, 1 + K + j ball j."""

    inverse: Floats
    surface: NDArray[np.int64]

    @property
    def depth(self) -> Floats:
        """H x W float32 metres along the rays, infinite in the sky."""
        with np.errstate(divide="ignore"):
            return np.asarray(np.float32(1) / self.inverse)


def order(camera: Camera, surfaces: Surfaces) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.float64]]:
    """Rectangles that face the camera in view, nearest first, their pixel boxes, and their largest 1 / depth."""
    rel = surfaces.origin - np.asarray(camera.position)
    away = np.einsum("ij,ij->i", surfaces.normal, rel)
    along = np.stack([-np.einsum("ij,ij->i", rel, axis) for axis in (surfaces.u, surfaces.v)], axis=1)
    foot = np.clip(along, 0, surfaces.size)
    closest = np.sqrt(away**2 + ((along - foot) ** 2).sum(axis=1))
    facing = np.flatnonzero((away < -1e-6) & (closest < FAR))
    side = surfaces.u[facing] * surfaces.size[facing, :1]
    rise = surfaces.v[facing] * surfaces.size[facing, 1:]
    corners = rel[facing][:, None] + np.stack([0 * side, side, side + rise, rise], axis=1)
    seen, boxes = camera.boxes(corners)
    index = facing[seen]
    by = np.argsort(closest[index], kind="stable")
    depths = camera.turn(corners[seen])[..., 2] if isinstance(camera, PinholeCamera) else None
    nearest = 1 / np.maximum(depths.min(axis=1), 1e-3) if depths is not None else 1 / np.maximum(closest[index], 1e-3)
    return index[by], boxes[by], nearest[by]


def coordinates(position: tuple[float, float, float], surfaces: Surfaces) -> NDArray[np.float64]:
    """K x 3 x 3: the vectors whose dot products with a ray are 1/z, s/z and t/z."""
    rel = surfaces.origin - np.asarray(position)
    n = surfaces.normal
    n = n / np.einsum("ij,ij->i", n, rel)[:, None]
    s, t = (axis - np.einsum("ij,ij->i", rel, axis)[:, None] * n for axis in (surfaces.u, surfaces.v))
    return np.stack([n, s, t], axis=1)


def trace(camera: Camera, surfaces: Surfaces, balls: Balls, atlas: Atlas) -> Hits:
    """Cast a ray through every pixel."""
    shape, axes = (camera.height, camera.width), camera.axes()
    hits = Hits(np.zeros(shape, np.float32), np.zeros(shape, np.int64))
    index, boxes, nearest = order(camera, surfaces)
    some = surfaces.take(index)
    n, s, t = coordinates(camera.position, some).transpose(1, 0, 2)
    ends = some.size[:, :1] * n - s, some.size[:, 1:] * n - t
    vectors = camera.turn(np.stack([n, s, ends[0], t, ends[1]], axis=1))
    for i, (k, box, near) in enumerate(zip(index.tolist(), boxes.tolist(), nearest.tolist(), strict=True)):
        view = slice(box[0], box[1]), slice(box[2], box[3])
        known = hits.inverse[view]
        if known.min() >= near:
            continue
        value, across, right, up, top = (camera.dot(vector, axes, box) for vector in vectors[i])
        hit = value > known
        for side in (across, right, up, top):
            hit &= side >= 0
        shape_of = atlas.alpha.get(int(some.texture[i]))
        if shape_of is not None:
            hit &= _cut(shape_of, across, up, value, some.size[i])
        np.copyto(known, value, where=hit)
        np.copyto(hits.surface[view], k + 1, where=hit)
    _trace_balls(camera, balls, hits, len(surfaces) + 1)
    return hits


def _cut(
    alpha: NDArray[np.uint8], across: Floats, up: Floats, value: Floats, size: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Where the shape of a rectangle of `size` metres is solid."""
    with np.errstate(divide="ignore", invalid="ignore"):
        x = across / value * np.float32(alpha.shape[1] / size[0]) - np.float32(0.5)
        y = up / value * np.float32(alpha.shape[0] / size[1]) - np.float32(0.5)
    solid = cv2.remap(alpha, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(solid > 127)


def _trace_balls(camera: Camera, balls: Balls, hits: Hits, first: int) -> None:
    rel = balls.centre - np.asarray(camera.position)
    distance = np.linalg.norm(rel, axis=1)
    some = np.flatnonzero((distance < 150) & (distance > balls.radius + 0.1))
    if not len(some):
        return
    axes, squares = camera.axes(), camera.norms() ** 2
    # A square through the silhouette circle, turned to the camera, bounds the ball.
    d = rel[some] / distance[some, None]
    side = np.cross(d, [0.0, 0.0, 1.0])
    side /= np.maximum(np.linalg.norm(side, axis=1, keepdims=True), 1e-9)
    rise, r = np.cross(side, d), balls.radius[some, None]
    near = rel[some] * (1 - (r / distance[some, None]) ** 2)
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    corners = np.stack([near + r * (a * side + b * rise) for a, b in signs], axis=1)
    seen, boxes = camera.boxes(corners)
    world = camera.turn(np.eye(3))
    turned = camera.turn(rel)
    for j, box in zip(some[seen].tolist(), boxes.tolist(), strict=True):
        ball = _Ball(rel[j], turned[j], float(balls.radius[j]), first + j)
        _ball(camera, axes, squares, box, ball, world, hits)


@dataclass(frozen=True)
class _Ball:
    rel: NDArray[np.float64]
    turned: NDArray[np.float64]
    radius: float
    number: int


def _ball(
    camera: Camera, axes: tuple[Floats, Floats], squares: Floats, box: list[int], ball: _Ball,
    world: NDArray[np.float64], hits: Hits,
) -> None:  # fmt: skip
    view = slice(box[0], box[1]), slice(box[2], box[3])
    square, known = squares[view], hits.inverse[view]
    nearest = ball.turned[2] if isinstance(camera, PinholeCamera) else np.linalg.norm(ball.rel)
    if known.min() * max(nearest - ball.radius, 0.05) >= 1:
        return
    along = camera.dot(ball.turned, axes, tuple(box))
    inner = along * along - square * np.float32(ball.rel @ ball.rel - ball.radius**2)
    depth = (along - np.sqrt(np.maximum(inner, 0))) / square
    inner /= square * np.float32(ball.radius**2)
    hit = (inner > 0) & (depth > np.float32(0.05)) & (known * depth < 1)
    rows, columns = np.nonzero(hit & (inner < np.float32(0.45)))
    if len(rows):
        # The rim is ragged: leaves, not glass.
        near = depth[rows, columns]
        point = [camera.dot(axis, axes, tuple(box))[rows, columns] * near for axis in world]
        x, y, z = (p - np.float32(m) for p, m in zip(point, ball.rel, strict=True))
        s, t = wrapped(x, y, z, ball.radius)
        rough = np.sin(s * 11) * np.sin(t * 13 + s * 3) + np.sin(s * 23 + t * 7) * np.sin(t * 29)
        hit[rows, columns] = inner[rows, columns] > 0.16 + 0.14 * rough
    np.copyto(known, 1 / np.maximum(depth, np.float32(1e-3)), where=hit)
    np.copyto(hits.surface[view], ball.number, where=hit)


def wrapped(x: Floats, y: Floats, z: Floats, radius: float | Floats) -> tuple[Floats, Floats]:
    """Texture coordinates (metres) on a ball of points relative to its middle: azimuth and elevation."""
    s, t = np.arctan2(y, x) * radius, np.arcsin(np.clip(z / radius, -1, 1)) * radius
    return np.asarray(s, np.float32), np.asarray(t, np.float32)
