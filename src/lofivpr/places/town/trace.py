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
    """Per pixel: 1 / depth (0 = sky), texture coordinates over depth, surface number, shade of balls.

    `surface` is 0 for the sky, 1 + k for rectangle k, 1 + K + j for ball j.
    """

    inverse: Floats
    s: Floats
    t: Floats
    surface: NDArray[np.int64]
    shade: Floats

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


def _vectors(camera: Camera, surfaces: Surfaces, index: NDArray[np.intp]) -> NDArray[np.float64]:
    """M x 5 x 3 turned vectors: 1/z, s/z, (S - s)/z, t/z, (T - t)/z."""
    rel = surfaces.origin[index] - np.asarray(camera.position)
    n = surfaces.normal[index]
    n = n / np.einsum("ij,ij->i", n, rel)[:, None]
    out = [n]
    for axis, size in ((surfaces.u[index], surfaces.size[index, 0]), (surfaces.v[index], surfaces.size[index, 1])):
        start = axis - np.einsum("ij,ij->i", rel, axis)[:, None] * n
        out += [start, size[:, None] * n - start]
    return camera.turn(np.stack(out, axis=1))


def trace(camera: Camera, surfaces: Surfaces, balls: Balls, atlas: Atlas, sun: NDArray[np.float64]) -> Hits:
    """Cast a ray through every pixel. `sun` (unit vector) only shades the balls."""
    shape, axes = (camera.height, camera.width), camera.axes()
    inverse, surface = np.zeros(shape, np.float32), np.zeros(shape, np.int64)
    index, boxes, nearest = order(camera, surfaces)
    vectors = _vectors(camera, surfaces, index)
    for k, box, turned, near in zip(index.tolist(), boxes.tolist(), vectors, nearest.tolist(), strict=True):
        view = slice(box[0], box[1]), slice(box[2], box[3])
        known = inverse[view]
        if known.min() >= near:
            continue
        value = camera.dot(turned[0], axes, box)
        hit = camera.inside(turned[1:], axes, box)
        hit &= value > known
        shape_of = atlas.alpha.get(int(surfaces.texture[k]))
        if shape_of is not None:
            across, up = camera.dot(turned[1], axes, box), camera.dot(turned[3], axes, box)
            hit &= _cut(shape_of, across, up, value, surfaces.size[k])
        np.copyto(known, value, where=hit)
        np.copyto(surface[view], k + 1, where=hit)
    coordinates = np.zeros((len(surfaces) + 1, 2, 3), np.float32)
    coordinates[index + 1] = vectors[:, (1, 3)]
    planes = camera.planes(axes)
    s, t = (
        sum(coordinates[:, i, c].take(surface, mode="clip") * planes[c] for c in range(3)) for i in range(2)
    )
    hits = Hits(inverse, s, t, surface, np.ones(shape, np.float32))
    _trace_balls(camera, balls, hits, len(surfaces) + 1, sun)
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


def _trace_balls(camera: Camera, balls: Balls, hits: Hits, first: int, sun: NDArray[np.float64]) -> None:
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
        _ball(camera, axes, squares, box, ball, world, hits, sun)


@dataclass(frozen=True)
class _Ball:
    rel: NDArray[np.float64]
    turned: NDArray[np.float64]
    radius: float
    number: int


def _ball(
    camera: Camera, axes: tuple[Floats, Floats], squares: Floats, box: list[int], ball: _Ball,
    world: NDArray[np.float64], hits: Hits, sun: NDArray[np.float64],
) -> None:  # fmt: skip
    view = slice(box[0], box[1]), slice(box[2], box[3])
    square, known = squares[view], hits.inverse[view]
    nearest = ball.turned[2] if isinstance(camera, PinholeCamera) else np.linalg.norm(ball.rel)
    if known.min() * max(nearest - ball.radius, 0.05) >= 1:
        return
    along = camera.dot(ball.turned, axes, tuple(box))
    inner = along * along - square * np.float32(ball.rel @ ball.rel - ball.radius**2)
    rows, columns = np.nonzero(inner > 0)
    if not len(rows):
        return
    inner, square = inner[rows, columns], square[rows, columns]
    depth = (along[rows, columns] - np.sqrt(inner)) / square
    x, y, z = (
        (camera.dot(axis, axes, tuple(box))[rows, columns] * depth - np.float32(middle)) / np.float32(ball.radius)
        for axis, middle in zip(world, ball.rel, strict=True)
    )
    s, t = np.arctan2(y, x) * np.float32(ball.radius), np.arcsin(np.clip(z, -1, 1)) * np.float32(ball.radius)
    # The rim is ragged: leaves, not glass.
    rough = np.sin(s * 11) * np.sin(t * 13 + s * 3) + np.sin(s * 23 + t * 7) * np.sin(t * 29)
    rim = inner / square / np.float32(ball.radius**2)
    keep = (depth > 0.05) & (known[rows, columns] * depth < 1) & (rim > 0.16 + 0.14 * rough)
    at, inverse = (rows[keep] + box[0], columns[keep] + box[2]), 1 / depth[keep]
    hits.inverse[at] = inverse
    hits.s[at], hits.t[at] = s[keep] * inverse, t[keep] * inverse
    hits.surface[at] = ball.number
    hits.shade[at] = (0.72 + 0.42 * (x * sun[0] + y * sun[1] + z * sun[2]))[keep]
