"""Light: sun, sky, haze, and the shadows that houses, trees and cars cast."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from lofivpr.errors import LofiError
from lofivpr.places.town.surfaces import Balls

Colour = tuple[float, float, float]
Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Light:
    """One weather. Colours multiply textures (1 = as painted); `haze` is extinction per metre.

    Azimuth in degrees clockwise from north, elevation above the horizon; `cover` 0 is a blue sky, 1 overcast.

    Raises:
        LofiError: the sun is below the horizon or a value is out of range.
    """

    name: str
    azimuth_deg: float
    elevation_deg: float
    sun: Colour
    ambient: Colour
    zenith: Colour
    horizon: Colour
    haze: float = 0.001
    cover: float = 0.4

    def __post_init__(self) -> None:
        if not 5 <= self.elevation_deg <= 90:
            raise LofiError(f"expected a sun 5 to 90 degrees above the horizon, found {self.elevation_deg}.")
        if self.haze < 0 or not 0 <= self.cover <= 1:
            raise LofiError(f"expected haze >= 0 and cover from 0 to 1, found {self.haze} and {self.cover}.")

    @property
    def direction(self) -> NDArray[np.float64]:
        """Unit vector towards the sun."""
        a, e = np.radians([self.azimuth_deg, self.elevation_deg])
        return np.array([np.sin(a) * np.cos(e), np.cos(a) * np.cos(e), np.sin(e)])


MORNING = Light("morning", 152, 47, (0.68, 0.63, 0.54), (0.7, 0.74, 0.8), (84, 138, 206), (204, 222, 236), 0.0012, 0.55)
EVENING = Light("evening", 248, 27, (0.86, 0.62, 0.38), (0.7, 0.67, 0.72), (112, 138, 188), (250, 214, 168), 0.003, 0.6)
OVERCAST = Light(
    "overcast", 200, 60, (0.07, 0.07, 0.07), (0.9, 0.93, 0.96), (182, 190, 198), (212, 216, 220), 0.0035, 0.95
)
LIGHTS = {light.name: light for light in (MORNING, EVENING, OVERCAST)}


@dataclass(frozen=True)
class Shadows:
    """A map over the town: below `ceiling` metres above the ground, a point lies in shadow."""

    ceiling: Floats
    corner: tuple[float, float]
    cell: float

    def lit(self, x: Floats, y: Floats, z: Floats) -> Floats:
        """How much sun reaches points (same shapes, metres): 0 in shadow to 1, half a metre of penumbra."""
        cell = np.float32(self.cell)
        column, row = (x - np.float32(self.corner[0])) / cell, (y - np.float32(self.corner[1])) / cell
        column -= np.float32(0.5)
        row -= np.float32(0.5)
        top = cv2.remap(self.ceiling, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(np.clip((z - top) * np.float32(2.5) + np.float32(0.5), 0, 1), np.float32)


def cast(
    size: tuple[float, float], houses: NDArray[np.float64], cars: NDArray[np.float64], crowns: Balls, light: Light,
    cell: float = 0.4, margin: float = 20.0,
) -> Shadows:  # fmt: skip
    """The shadows of a town of `size` metres: heights swept away from the sun, by doubling steps."""
    w, h = (int((s + 2 * margin) / cell) for s in size)
    height = np.zeros((h, w), np.float32)

    def pixels(values: NDArray[np.float64]) -> NDArray[np.int64]:
        return np.round((values + margin) / cell).astype(np.int64)

    for (x, y, z), radius in zip(crowns.centre, crowns.radius, strict=True):
        disc = np.zeros_like(height[:1, :1])
        r = radius / cell
        c, d = pixels(np.array([x, y]))
        k = int(r) + 1
        rows, columns = np.ogrid[-k : k + 1, -k : k + 1]
        disc = np.where(rows**2 + columns**2 <= r * r, z + 0.6 * radius, 0).astype(np.float32)
        view = height[max(d - k, 0) : d + k + 1, max(c - k, 0) : c + k + 1]
        np.maximum(view, disc[: view.shape[0], : view.shape[1]], out=view)
    for x0, y0, x1, y1 in pixels(cars):
        height[y0:y1, x0:x1] = np.maximum(height[y0:y1, x0:x1], 1.1)
    for (x0, y0, x1, y1), top in zip(pixels(houses[:, :4]), houses[:, 4], strict=True):
        height[max(y0, 0) : y1, max(x0, 0) : x1] = top
    return Shadows(_sweep(height, light, cell), (-margin, -margin), cell)


def _sweep(height: Floats, light: Light, cell: float) -> Floats:
    """ceiling(p) = max over k of height(p + k step towards the sun) - k step tan(elevation)."""
    towards, tangent = light.direction[:2], np.tan(np.radians(light.elevation_deg))
    towards = towards / np.maximum(np.linalg.norm(towards), 1e-9)
    ceiling, step = height, cell
    while step * tangent < height.max() and step < 200:
        shift = np.array([[1, 0, -towards[0] * step / cell], [0, 1, -towards[1] * step / cell]])
        moved = cv2.warpAffine(ceiling, shift, ceiling.shape[::-1], flags=cv2.INTER_LINEAR)
        ceiling = np.maximum(ceiling, moved - np.float32(step * tangent))
        step *= 2
    return np.asarray(ceiling, np.float32)


def sky(directions: Floats, light: Light, clouds: NDArray[np.uint8]) -> Floats:
    """Colours N x 3 float32 (0 to 255) of the sky along unit directions N x 3."""
    up = np.maximum(directions[:, 2], 0)
    horizon, zenith = np.array(light.horizon, np.float32), np.array(light.zenith, np.float32)
    colour = horizon + (zenith - horizon) * (1 - np.exp(-3.2 * up))[:, None]
    # Clouds lie on a plane overhead, bent down so that the horizon stays finite.
    n = clouds.shape[0]
    plane = directions[:, :2] / (up + 0.18)[:, None] * np.float32(0.16)
    # OpenCV limits both sides of a picture to 32767: the list is folded into rows of 1024.
    at = np.resize((plane - np.floor(plane)) * n, (-(-len(plane) // 1024) * 1024, 2)).reshape(-1, 1024, 2)
    cover = cv2.remap(clouds, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
    cover = cover.ravel()[: len(plane)]
    amount = np.clip((cover / np.float32(255) - (1 - light.cover)) * 3.0, 0, 0.92) * np.clip(up * 6, 0, 1)
    white = np.array(light.sun, np.float32) * 130 + np.array(light.ambient, np.float32) * 220
    colour += (np.minimum(white, 250) - colour) * amount.astype(np.float32)[:, None]
    toward = np.clip(directions @ light.direction.astype(np.float32), 0, 1)
    glow = np.array(light.sun, np.float32) * 150
    return np.asarray(colour + glow * (toward**40 + 0.25 * toward**6)[:, None] * (1 - 0.8 * light.cover), np.float32)
