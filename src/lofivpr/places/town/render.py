"""From a camera to a picture with exact depth and labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lofivpr.places.town.camera import Camera
from lofivpr.places.town.shade import Rays, Scene, colours
from lofivpr.places.town.surfaces import Label
from lofivpr.places.town.trace import trace


@dataclass(frozen=True)
class Rendered:
    """A picture with its truth. Depth and labels are those of the ray through each pixel's centre.

    Attributes:
        image: H x W x 3 uint8 RGB.
        depth: H x W float32 metres: z-depth of a pinhole, range of a panorama, infinite in the sky.
        labels: H x W uint8 of `Label`.
    """

    image: NDArray[np.uint8]
    depth: NDArray[np.float32]
    labels: NDArray[np.uint8]

    def mask(self, label: Label) -> NDArray[np.bool_]:
        """H x W bool: the pixels of one label."""
        return np.asarray(self.labels == int(label))


def paint(scene: Scene, camera: Camera, supersample: int = 2) -> NDArray[np.uint8]:
    """The picture alone, H x W x 3 uint8 RGB.

    supersample^2 rays a pixel find the surfaces. A pixel that sees one surface takes one colour, which the
    texture's levels filter; one that sees several takes the mean of all its rays.
    """
    n, fine = supersample, camera.scaled(supersample)
    surface = trace(fine, scene.surfaces, scene.balls, scene.atlas).surface
    first = surface[::n, ::n]
    image = colours(scene, camera.position, Rays(camera.rays(), first, camera.pixel_angle))
    mixed = np.zeros(first.shape, bool)
    for i in range(n * n):
        mixed |= surface[i // n :: n, i % n :: n] != first
    rows, columns = np.nonzero(mixed)
    if len(rows):
        image[rows, columns] = _mean(scene, fine, surface, rows, columns, n)
    return image


def _mean(
    scene: Scene, fine: Camera, surface: NDArray[np.int64], rows: NDArray[np.intp], columns: NDArray[np.intp], n: int
) -> NDArray[np.uint8]:
    """Mean colours P x 3 of the n x n rays of pixels."""
    # Folded into rows of 1024 pixels: OpenCV limits both sides of a picture to 32767.
    count, width = len(rows), 1024
    fill = np.resize(np.arange(count), -(-count // width) * width)
    offset = np.arange(n * n)[:, None]
    at = rows[fill] * n + offset // n, columns[fill] * n + offset % n
    shape = (-1, width)
    directions = tuple(part[at].reshape(shape) for part in fine.rays())
    rgb = colours(scene, fine.position, Rays(directions, surface[at].reshape(shape), fine.pixel_angle))
    mean = rgb.reshape(n * n, -1, 3)[:, :count].mean(axis=0, dtype=np.float32)
    return np.asarray(np.rint(mean), np.uint8)


def survey(scene: Scene, camera: Camera) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    """Depth and labels of the rays through the pixel centres."""
    hits = trace(camera, scene.surfaces, scene.balls, scene.atlas)
    labels = np.concatenate([[int(Label.SKY)], scene.surfaces.label, np.full(len(scene.balls), int(Label.TREE))])
    return hits.depth, labels.astype(np.uint8)[hits.surface]


def render(scene: Scene, camera: Camera, supersample: int = 2) -> Rendered:
    """Picture, depth and labels."""
    depth, labels = survey(scene, camera)
    return Rendered(paint(scene, camera, supersample), depth, labels)
