"""Cameras of the town: a true pinhole and a 360-degree equirectangular one.

World: x east, y north, z up, metres. Heading: degrees clockwise from north. Pixel (column, row) has its
centre at integer coordinates, as in OpenCV, so the principal point of a W x H picture is ((W-1)/2, (H-1)/2).

Both cameras send along pixel rays `d` with `point = position + depth * d`. The pinhole scales `d` to unit
length along the optical axis (depth is z-depth), the panorama to unit length (depth is range).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from lofivpr.errors import LofiError

Floats = NDArray[np.float64]
Axes = tuple[NDArray[np.float32], NDArray[np.float32]]
NEAR = 0.05


def _check(position: tuple[float, float, float], width: int, height: int) -> None:
    if len(position) != 3 or not np.isfinite(position).all():
        raise LofiError(f"expected a camera position (x, y, z) in metres, found {position!r}.")
    if width < 1 or height < 1:
        raise LofiError(f"expected a picture of at least 1 x 1, found {width} x {height}.")


@dataclass(frozen=True)
class PinholeCamera:
    """A pinhole without distortion. `fov_deg` is the horizontal field of view; pitch is up, roll clockwise.

    Raises:
        LofiError: the size or the field of view cannot be.
    """

    position: tuple[float, float, float]
    heading_deg: float = 0.0
    pitch_deg: float = 0.0
    roll_deg: float = 0.0
    width: int = 480
    height: int = 360
    fov_deg: float = 75.0

    def __post_init__(self) -> None:
        _check(self.position, self.width, self.height)
        if not 1.0 <= self.fov_deg <= 170.0:
            raise LofiError(f"expected a field of view of 1 to 170 degrees, found {self.fov_deg}.")

    @property
    def focal(self) -> float:
        """Focal length in pixels."""
        return float(self.width / 2 / np.tan(np.radians(self.fov_deg) / 2))

    @property
    def matrix(self) -> Floats:
        """3 x 3 calibration matrix K."""
        return np.array([[self.focal, 0, (self.width - 1) / 2], [0, self.focal, (self.height - 1) / 2], [0, 0, 1]])

    @cached_property
    def rotation(self) -> Floats:
        """3 x 3, world to camera (x right, y down, z forward)."""
        h, p, r = np.radians([self.heading_deg, self.pitch_deg, self.roll_deg])
        forward = np.array([np.sin(h) * np.cos(p), np.cos(h) * np.cos(p), np.sin(p)])
        right = np.array([np.cos(h), -np.sin(h), 0.0])
        down = np.cross(forward, right)
        return np.stack([np.cos(r) * right + np.sin(r) * down, np.cos(r) * down - np.sin(r) * right, forward])

    @property
    def pixel_angle(self) -> float:
        """Angle of one pixel at the centre, radians."""
        return 1.0 / self.focal

    def scaled(self, factor: int) -> PinholeCamera:
        """The same view with `factor` times the pixels along each side."""
        return replace(self, width=self.width * factor, height=self.height * factor)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """World points N x 3 -> pixels N x 2 (column, row) and depths N (metres along the axis)."""
        local = (np.asarray(points, float) - self.position) @ self.rotation.T
        depth = local[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            pixels = local[:, :2] / depth[:, None] * self.focal
        return pixels + [(self.width - 1) / 2, (self.height - 1) / 2], depth

    def turn(self, vectors: Floats) -> Floats:
        """World vectors ... x 3 -> the form that `dot` takes."""
        return vectors @ self.rotation.T

    def axes(self) -> Axes:
        """Camera x of each column and camera y of each row at unit depth."""
        x = (np.arange(self.width) - (self.width - 1) / 2) / self.focal
        y = (np.arange(self.height) - (self.height - 1) / 2) / self.focal
        return x.astype(np.float32), y.astype(np.float32)

    def dot(self, turned: Floats, axes: Axes, box: tuple[int, ...]) -> NDArray[np.float32]:
        """Ray . vector for the pixels of box (row0, row1, column0, column1), float32: an affine function."""
        r0, r1, c0, c1 = box
        across = axes[0][c0:c1] * np.float32(turned[0])
        down = axes[1][r0:r1] * np.float32(turned[1]) + np.float32(turned[2])
        return np.asarray(across[None, :] + down[:, None])

    def rays(self) -> tuple[NDArray[np.float32], ...]:
        """x, y and z of the rays in the world, each H x W float32."""
        axes, box = self.axes(), (0, self.height, 0, self.width)
        return tuple(self.dot(self.turn(axis), axes, box) for axis in np.eye(3))

    def norms(self) -> NDArray[np.float32]:
        """H x W float32: lengths of the rays."""
        x, y = self.axes()
        return np.sqrt(x[None, :] ** 2 + (y[:, None] ** 2 + 1))

    def boxes(self, corners: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Pixel boxes that hold the polygons with K x 4 x 3 corners (relative to the position).

        Returns indices M of the polygons in view and their boxes M x 4 (row0, row1, column0, column1).
        """
        local = self.turn(corners)
        following = np.roll(local, -1, axis=1)
        z, z_next = local[..., 2], following[..., 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            cut = local + ((NEAR - z) / (z_next - z))[..., None] * (following - local)
        points = np.concatenate([local, cut], axis=1)
        valid = np.concatenate([z > NEAR, (z > NEAR) != (z_next > NEAR)], axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            flat = points[..., :2] / np.maximum(points[..., 2:], NEAR / 2) * self.focal
        flat = np.clip(flat, -1e6, 1e6) + [(self.width - 1) / 2, (self.height - 1) / 2]
        low = np.where(valid[..., None], flat, np.inf).min(axis=1)
        high = np.where(valid[..., None], flat, -np.inf).max(axis=1)
        size = np.array([self.width, self.height])
        low, high = np.clip(np.floor(low), 0, size), np.clip(np.ceil(high) + 1, 0, size)
        seen = np.flatnonzero((high > low).all(axis=1))
        low, high = low[seen].astype(np.intp), high[seen].astype(np.intp)
        return seen, np.stack([low[:, 1], high[:, 1], low[:, 0], high[:, 0]], axis=1)


@dataclass(frozen=True)
class PanoramaCamera:
    """A full equirectangular view: the middle column looks along the heading, the top row up."""

    position: tuple[float, float, float]
    heading_deg: float = 0.0
    width: int = 1024
    height: int = 512

    def __post_init__(self) -> None:
        _check(self.position, self.width, self.height)

    @property
    def pixel_angle(self) -> float:
        """Angle of one pixel on the horizon, radians."""
        return 2 * np.pi / self.width

    def scaled(self, factor: int) -> PanoramaCamera:
        """The same view with `factor` times the pixels along each side."""
        return replace(self, width=self.width * factor, height=self.height * factor)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """World points N x 3 -> pixels N x 2 (column, row) and ranges N in metres."""
        local = np.asarray(points, float) - self.position
        distance = np.linalg.norm(local, axis=1)
        azimuth = np.arctan2(local[:, 0], local[:, 1]) - np.radians(self.heading_deg)
        column = ((azimuth / (2 * np.pi) + 0.5) % 1.0) * self.width - 0.5
        row = (0.5 - np.arcsin(local[:, 2] / distance) / np.pi) * self.height - 0.5
        return np.stack([column, row], axis=1), distance

    def turn(self, vectors: Floats) -> Floats:
        """World vectors ... x 3 -> the form that `dot` takes."""
        return vectors

    def axes(self) -> Axes:
        """Azimuth of each column and elevation of each row, radians, as (sin, cos) pairs 2 x W, 2 x H."""
        azimuth = np.radians(self.heading_deg) + (((np.arange(self.width) + 0.5) / self.width) - 0.5) * 2 * np.pi
        elevation = (0.5 - (np.arange(self.height) + 0.5) / self.height) * np.pi
        pairs = [np.stack([np.sin(a), np.cos(a)]).astype(np.float32) for a in (azimuth, elevation)]
        return pairs[0], pairs[1]

    def dot(self, turned: Floats, axes: Axes, box: tuple[int, ...]) -> NDArray[np.float32]:
        """Ray . vector for the pixels of box (row0, row1, column0, column1), float32."""
        r0, r1, c0, c1 = box
        flat = axes[0][0, c0:c1] * np.float32(turned[0]) + axes[0][1, c0:c1] * np.float32(turned[1])
        up = axes[1][0, r0:r1] * np.float32(turned[2])
        return np.asarray(flat[None, :] * axes[1][1, r0:r1, None] + up[:, None])

    def rays(self) -> tuple[NDArray[np.float32], ...]:
        """x, y and z of the rays in the world, each H x W float32."""
        axes, box = self.axes(), (0, self.height, 0, self.width)
        return tuple(self.dot(self.turn(axis), axes, box) for axis in np.eye(3))

    def norms(self) -> NDArray[np.float32]:
        """H x W float32: lengths of the rays (all 1)."""
        return np.ones((self.height, self.width), np.float32)

    def boxes(self, corners: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """As PinholeCamera.boxes; a polygon over the seam comes twice."""
        azimuth = np.arctan2(corners[..., 0], corners[..., 1]) - np.radians(self.heading_deg)
        step = np.diff(azimuth, axis=1, append=azimuth[:, :1])
        step = (step + np.pi) % (2 * np.pi) - np.pi
        whole = np.abs(step.sum(axis=1)) > 1.0
        unrolled = azimuth[:, :1] + np.cumsum(np.pad(step[:, :-1], ((0, 0), (1, 0))), axis=1)
        low, high = unrolled.min(axis=1), unrolled.max(axis=1)
        # An edge that passes (almost) over the camera says nothing about the columns.
        whole |= (high - low) > np.pi - 1e-3
        shift = np.floor((low + np.pi) / (2 * np.pi)) * 2 * np.pi
        first = np.floor(((low - shift) / (2 * np.pi) + 0.5) * self.width - 1).astype(np.intp)
        last = np.ceil(((high - shift) / (2 * np.pi) + 0.5) * self.width + 1).astype(np.intp)
        first, last = np.where(whole, 0, first), np.where(whole, self.width, last)
        index = np.arange(len(corners))
        index, first, last = (
            np.concatenate(pair) for pair in ((index, index), (first, first - self.width), (last, last - self.width))
        )
        first, last = np.maximum(first, 0), np.minimum(last, self.width)
        seen = np.flatnonzero(last > first)
        top, bottom = self._rows(corners, whole)
        seen_of = index[seen]
        return seen_of, np.stack([top[seen_of], bottom[seen_of], first[seen], last[seen]], axis=1)

    def _rows(self, corners: Floats, around: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """First and last + 1 row: edges bend, so bound the elevation by heights and horizontal distances."""
        start, edge = corners[..., :2], np.roll(corners[..., :2], -1, axis=1) - corners[..., :2]
        part = -(start * edge).sum(axis=-1) / np.maximum((edge**2).sum(axis=-1), 1e-12)
        near = np.linalg.norm(start + np.clip(part, 0, 1)[..., None] * edge, axis=-1).min(axis=1)
        near, far = np.where(around, 0.0, near), np.linalg.norm(start, axis=-1).max(axis=1)
        low, high = corners[..., 2].min(axis=1), corners[..., 2].max(axis=1)
        highest = np.arctan2(high, np.where(high > 0, near, far))
        lowest = np.arctan2(low, np.where(low < 0, near, far))
        top, bottom = ((0.5 - angle / np.pi) * self.height - 0.5 for angle in (highest, lowest))
        rows = np.floor(top), np.ceil(bottom) + 1
        return np.clip(rows[0], 0, self.height).astype(np.intp), np.clip(rows[1], 0, self.height).astype(np.intp)


Camera = PinholeCamera | PanoramaCamera
