"""Textures and their atlas: every texture at every pair of halvings, packed into one picture.

A street is seen at grazing angles, where one isotropic mip level is either blurred or aliased. The atlas
therefore keeps a "rip-map": widths and heights halved independently, 4 times the memory of the base. One
cv2.remap then filters a whole picture.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
LEVELS = 6
PAD = 1
ATLAS_WIDTH = 8192


@dataclass(frozen=True)
class Texture:
    """An h x w x 3 uint8 picture, row 0 at the top, of `size` (width, height) metres.

    `repeat` tiles it; `alpha` (h x w uint8) cuts its shape out.
    """

    image: Image
    size: tuple[float, float]
    repeat: bool = False
    alpha: Image | None = None


@dataclass(frozen=True)
class Atlas:
    """The packed textures. Tables are T x LEVELS: first pixel and pixels a metre, for columns and rows."""

    image: Image
    x: NDArray[np.float32]
    y: NDArray[np.float32]
    scale_x: NDArray[np.float32]
    scale_y: NDArray[np.float32]
    size: NDArray[np.float32]
    repeat: NDArray[np.bool_]
    alpha: dict[int, Image] = field(default_factory=dict)


def levels(length: int) -> list[int]:
    """Pixels of each level along one side."""
    return [(length + (1 << level) - 1) >> level for level in range(LEVELS)]


def shrink(image: Image, width: int, height: int) -> Image:
    """Area-averaged to width x height."""
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def ripmap(texture: Texture) -> Image:
    """All pairs of halvings of a texture in one picture, each with a border of PAD pixels.

    Rows are turned upside down: texture coordinates run up, like metres above the ground.
    """
    base = np.ascontiguousarray(texture.image[::-1])
    widths, heights = levels(base.shape[1]), levels(base.shape[0])
    border = cv2.BORDER_WRAP if texture.repeat else cv2.BORDER_REPLICATE
    rows = []
    tall = base
    for h in heights:
        tall = shrink(tall, base.shape[1], h)
        cells, wide = [], tall
        for w in widths:
            wide = shrink(wide, w, h)
            cells.append(cv2.copyMakeBorder(wide, PAD, PAD, PAD, PAD, border))
        rows.append(np.hstack(cells))
    return np.vstack(rows)


def _starts(length: int) -> list[int]:
    sizes = [n + 2 * PAD for n in levels(length)]
    return [int(n) for n in np.cumsum([0, *sizes[:-1]]) + PAD]


def pack(textures: list[Texture]) -> Atlas:
    """Pack textures into one atlas, on shelves by height. Texel (0, 0) is black: the sky samples it."""
    blocks = [ripmap(texture) for texture in textures]
    corner = np.zeros((len(blocks), 2), int)
    left, top, shelf = 4, 4, 0
    for i in sorted(range(len(blocks)), key=lambda k: (-blocks[k].shape[0], k)):
        h, w = blocks[i].shape[:2]
        if left + w > ATLAS_WIDTH:
            left, top, shelf = 4, top + shelf, 0
        corner[i] = left, top
        left, shelf = left + w, max(shelf, h)
    image = np.zeros((top + shelf, ATLAS_WIDTH, 3), np.uint8)
    for (x, y), block in zip(corner, blocks, strict=True):
        image[y : y + block.shape[0], x : x + block.shape[1]] = block
    shapes = [t.image.shape for t in textures]
    size = np.array([t.size for t in textures], np.float32)
    # Half a pixel: texture coordinate 0 is the edge of the first pixel, whose centre is at 0.5.
    x = np.array([_starts(s[1]) for s in shapes], np.float32) + corner[:, :1] - 0.5
    y = np.array([_starts(s[0]) for s in shapes], np.float32) + corner[:, 1:] - 0.5
    scale_x = np.array([levels(s[1]) for s in shapes], np.float32) / size[:, :1]
    scale_y = np.array([levels(s[0]) for s in shapes], np.float32) / size[:, 1:]
    alpha = {i: np.ascontiguousarray(t.alpha[::-1]) for i, t in enumerate(textures) if t.alpha is not None}
    repeat = np.array([t.repeat for t in textures])
    return Atlas(image, x.astype(np.float32), y.astype(np.float32), scale_x, scale_y, size, repeat, alpha)


def noise(rng: np.random.Generator, h: int, w: int, cell: int, wrap: bool = False) -> NDArray[np.float32]:
    """Smooth noise h x w, about -1 to 1, with features of `cell` pixels."""
    small = rng.normal(0, 0.5, (max(2, h // cell + 1), max(2, w // cell + 1))).astype(np.float32)
    if not wrap:
        return np.asarray(cv2.resize(small, (w, h), interpolation=cv2.INTER_CUBIC), np.float32)
    tiled = np.tile(small, (3, 3))
    large = cv2.resize(tiled, (3 * w, 3 * h), interpolation=cv2.INTER_CUBIC)
    return np.asarray(large[h : 2 * h, w : 2 * w], np.float32)


def grain(
    rng: np.random.Generator, colour: tuple[float, ...], h: int, w: int, amount: float = 8.0, wrap: bool = False
) -> NDArray[np.float32]:
    """A plain surface: h x w x 3 float32 of one colour with blotches and grain of `amount` grey levels."""
    value = noise(rng, h, w, 24, wrap) + 0.6 * noise(rng, h, w, 6, wrap) + 0.5 * noise(rng, h, w, 1, wrap)
    return np.array(colour, np.float32) + (amount * value)[..., None]
