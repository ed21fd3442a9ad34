"""What moves: parked cars and passers-by, drawn anew for every traversal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lofivpr.places.town.figures import CAR_LENGTH, CAR_PROFILES, CAR_WIDTH, PAINTS
from lofivpr.places.town.grounds import KERB
from lofivpr.places.town.palette import Palette
from lofivpr.places.town.scene import Layout, Street
from lofivpr.places.town.surfaces import Builder, Label, Surfaces

UP = (0.0, 0.0, 1.0)


@dataclass(frozen=True)
class Crowd:
    """Passers-by: place P x 2 at time 0, velocity P x 2 in m/s, the stretch they walk to and fro, texture."""

    place: NDArray[np.float64]
    velocity: NDArray[np.float64]
    stretch: NDArray[np.float64]
    texture: NDArray[np.int64]
    height: NDArray[np.float64]
    crossings: NDArray[np.float64]

    def at(self, time: float) -> NDArray[np.float64]:
        """Places P x 2 at a time in seconds: everybody turns round at the end of his stretch."""
        walked = np.linalg.norm(self.velocity, axis=1) * time
        phase = walked % (2 * self.stretch)
        along = np.where(phase < self.stretch, phase, 2 * self.stretch - phase)
        direction = self.velocity / np.linalg.norm(self.velocity, axis=1, keepdims=True)
        return self.place + direction * along[:, None]

    def surfaces(self, camera: tuple[float, float, float], time: float, palette: Palette) -> Surfaces:
        """Upright rectangles turned to the camera, of those 2.5 to 90 m away."""
        places = self.at(time)
        offset = np.asarray(camera[:2]) - places
        distance = np.linalg.norm(offset, axis=1)
        near = np.flatnonzero((distance < 90) & (distance > 2.5))
        n = offset[near] / distance[near, None]
        u = np.stack([-n[:, 1], n[:, 0], np.zeros(len(near))], axis=1)
        size = np.array([t.size for t in palette.textures])[self.texture[near]]
        size = size * (self.height[near] / size[:, 1])[:, None]
        x, y = places[near].T[..., None]
        x0, y0, x1, y1 = self.crossings.T
        on_road = ((x0 < x) & (x < x1) & (y0 < y) & (y < y1)).any(axis=1)
        foot = np.column_stack([places[near], np.where(on_road, 0.02, KERB)])
        ones = np.ones((len(near), 3))
        scale = np.array([t.size for t in palette.textures])[self.texture[near]] / size
        return Surfaces(
            foot - u * size[:, :1] / 2, u, np.tile(UP, (len(near), 1)), size, scale, self.texture[near], ones,
            np.full(len(near), int(Label.PERSON)),
        )  # fmt: skip


def make_crowd(layout: Layout, palette: Palette, rng: np.random.Generator, spacing: float = 11.0) -> Crowd:
    """Passers-by on both pavements of every street, one every `spacing` metres on average."""
    rows: list[tuple[object, ...]] = []
    for street in layout.streets:
        for _ in range(rng.poisson(street.length / spacing)):
            along, side = rng.uniform(street.start + 2, street.end - 2), rng.choice([-1, 1])
            across = side * (street.width / 2 + rng.uniform(0.9, 1.9))
            way, speed = rng.choice([-1, 1]), rng.uniform(0.9, 1.6)
            room = (street.end - along if way > 0 else along - street.start) - 1
            step = (way * speed, 0.0) if street.axis == 0 else (0.0, way * speed)
            person = palette.pick(rng, "person")
            rows.append((street.point(along, across), step, max(room, 1.0), person, rng.normal(1.72, 0.09)))
    place, velocity, stretch, texture, height = [np.array([row[i] for row in rows]) for i in range(5)]
    return Crowd(place, velocity, stretch, texture.astype(np.int64), height, np.array(layout.crossings))


def park_cars(layout: Layout, palette: Palette, builder: Builder, rng: np.random.Generator) -> NDArray[np.float64]:
    """Cars along the kerbs. Returns their footprints N x 4 (x0, y0, x1, y1), for the shadows."""
    prints = []
    for street in layout.streets:
        crossed = layout.crossed(street)
        for sign in (-1, 1):
            share = rng.choice([0.1, 0.45, 0.75])
            along = street.start + 8
            while along < street.end - 8:
                free = any(low - 4 < along + CAR_LENGTH and along < high + 4 for low, high in crossed)
                if not free and rng.random() < share:
                    prints.append(_car(street, along, sign, palette, builder, rng))
                along += CAR_LENGTH + float(rng.uniform(0.9, 2.2))
    return np.array(prints).reshape(-1, 4)


def _car(
    street: Street, along: float, sign: int, palette: Palette, builder: Builder, rng: np.random.Generator
) -> tuple[float, float, float, float]:
    """One car, an outline drawn out to its width, nose in the driving direction (on the right)."""
    across = sign * (street.width / 2 - CAR_WIDTH / 2 - 0.2 - float(rng.uniform(0, 0.15)))
    forward = -sign if street.axis == 0 else sign
    f = np.array((forward, 0.0, 0.0) if street.axis == 0 else (0.0, forward, 0.0))
    left = np.cross(UP, f)
    middle = np.array((*street.point(along + CAR_LENGTH / 2, across), 0.0))
    nose = middle + f * CAR_LENGTH / 2
    kind, colour = int(rng.integers(3)), int(rng.integers(len(PAINTS)))
    paint = PAINTS[colour]
    profile = np.array(CAR_PROFILES[kind])
    sides = palette.groups["car"][2 * (kind * len(PAINTS) + colour) :][:2]
    height = builder.sizes[sides[0]][1]
    # Left side seen from the left has the nose on the left; the right side is mirrored.
    builder.rect(tuple(nose + left * CAR_WIDTH / 2), tuple(-f), UP, (CAR_LENGTH, height), sides[0], Label.CAR)
    tail = nose - f * CAR_LENGTH - left * CAR_WIDTH / 2
    builder.rect(tuple(tail), tuple(f), UP, (CAR_LENGTH, height), sides[1], Label.CAR)
    last = len(profile) - 2
    for i, (a, b) in enumerate(zip(profile[:-1], profile[1:], strict=True)):
        step = np.hypot(*(b - a))
        v = (-f * (b[0] - a[0]) + np.array(UP) * (b[1] - a[1])) / step
        start = nose - f * a[0] + np.array(UP) * a[1]
        glass = i == 3 or i == 5
        group = "nose" if i == 0 else "tail" if i == last else "glass" if glass else "white"
        # The strip runs along v; its width u is chosen so that u x v looks outward.
        origin = start - left * CAR_WIDTH / 2
        flip = i == last
        if flip:
            origin, v = nose - f * b[0] + np.array(UP) * b[1] + left * CAR_WIDTH / 2, -v
        u = -left if flip else left
        builder.rect(
            tuple(origin), tuple(u), tuple(v), (CAR_WIDTH, float(step)), palette.groups[group][0], Label.CAR,
            (1.0, 1.0, 1.0) if glass else paint,
        )  # fmt: skip
    half = np.abs(f) * CAR_LENGTH / 2 + np.abs(left) * CAR_WIDTH / 2
    return tuple(map(float, (*(middle - half)[:2], *(middle + half)[:2])))  # type: ignore[return-value]
