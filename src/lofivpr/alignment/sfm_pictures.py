"""The pictures that structure from motion looks at: frames of a clip, or slices of its 360-degree frames."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from lofivpr.alignment.trajectory import AlignmentError, Floats
from lofivpr.media import open_image, perspective_view, read_frames

VIEW_FOV = 90.0  # degrees across a slice
JPEG_QUALITY = 95


@dataclass(frozen=True)
class SfmOptions:
    """How a clip is taken apart.

    Attributes:
        rate: frames a second that are used.
        fov: horizontal field of view of a plain camera, in degrees; None has it estimated.
        views: slices around the horizon that each equirectangular frame (2:1) is cut into; 0 for a plain camera.
        size: pixels across a slice, or across a plain frame at most; nothing is enlarged.
        overlap: each frame is compared with so many before it.
        features: of a picture, at most.
        mask: a picture over the frames whose black is not looked at, such as the person who carries the camera.
        threads: of pycolmap; by default all usable cores.

    Raises:
        AlignmentError: numbers that cannot be.
    """

    rate: float = 2.0
    fov: float | None = None
    views: int = 0
    size: int = 640
    overlap: int = 6
    features: int = 2000
    mask: Path | None = None
    threads: int | None = None

    def __post_init__(self) -> None:
        if not (self.rate > 0 and self.size >= 64 and self.overlap >= 1 and self.features >= 100):
            raise AlignmentError(
                "expected a rate above 0, a size of at least 64, an overlap of at least 1 and at least 100 features, "
                f"found {self.rate}, {self.size}, {self.overlap} and {self.features}."
            )
        if self.views not in (0, *range(4, 25)):
            raise AlignmentError(f"expected 4 to 24 views of a panorama, or 0 for a plain camera, found {self.views}.")
        if self.fov is not None and not (self.views == 0 and 10 <= self.fov <= 150):
            raise AlignmentError(f"expected a field of view of 10 to 150 degrees of a plain camera, found {self.fov}.")


@dataclass(frozen=True)
class View:
    """One camera of the rig: its folder, and its degrees to the right of the panorama's middle; None is the frame."""

    name: str
    yaw: float | None = None

    @property
    def camera_from_rig(self) -> Floats:
        """Rows are the view's axes (right, down, forward) in the panorama's own, 3 x 3."""
        c, s = math.cos(math.radians(self.yaw or 0)), math.sin(math.radians(self.yaw or 0))
        return np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])

    def cut(self, frame: npt.NDArray[np.uint8], size: int) -> npt.NDArray[np.uint8]:
        """This view's picture of a frame, both uint8 H x W x 3; a slice is 4:3."""
        if self.yaw is not None:
            return np.asarray(perspective_view(frame, self.yaw, fov=VIEW_FOV, size=(size, size * 3 // 4)))
        height, width = frame.shape[:2]
        if width <= size:
            return frame
        small = cv2.resize(frame, (size, round(height * size / width)), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.uint8)


def views_of(options: SfmOptions) -> tuple[View, ...]:
    """The views of the options; the first looks along the panorama's middle."""
    yaws = [360 * number / options.views for number in range(options.views)]
    return tuple(View(f"view{yaw:03.0f}", yaw) for yaw in yaws) or (View("frame"),)


def write_pictures(
    clip: str | Path, numbers: list[int], folder: Path, views: tuple[View, ...], options: SfmOptions
) -> dict[str, Any]:
    """Write `pictures/VIEW/NUMBER.jpg` (and `masks/VIEW/NUMBER.jpg.png`) of these frames of a clip.

    Returns:
        COLMAP's camera of all of them: its model, its parameters where they are known, and whether to refine them.

    Raises:
        BadImageError: the clip or the mask cannot be read, or frames are no panoramas.
    """
    shape = (0, 0)
    for number, frame in zip(numbers, read_frames(clip, numbers), strict=True):
        for view in views:
            picture = view.cut(frame, options.size)
            shape = picture.shape[:2]
            name = folder / "pictures" / view.name / f"{number:06d}.jpg"
            name.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(picture).save(name, quality=JPEG_QUALITY)
    if options.mask is not None:
        _write_masks(open_image(options.mask), numbers, folder, views, shape)
    return _camera(shape[1], shape[0], options)


def _write_masks(
    mask: npt.NDArray[np.uint8], numbers: list[int], folder: Path, views: tuple[View, ...], shape: tuple[int, int]
) -> None:
    """COLMAP wants a mask a picture: one file a view, linked."""
    for view in views:
        at = folder / "masks" / view.name
        at.mkdir(parents=True)
        cut = cv2.resize(view.cut(mask, shape[1]), shape[::-1], interpolation=cv2.INTER_NEAREST)
        first = at / f"{numbers[0]:06d}.jpg.png"
        Image.fromarray(np.where(cut[..., 0] < 128, 0, 255).astype(np.uint8)).save(first)
        for number in numbers[1:]:
            os.link(first, at / f"{number:06d}.jpg.png")


def _camera(width: int, height: int, options: SfmOptions) -> dict[str, Any]:
    fov = VIEW_FOV if options.views else options.fov
    if fov is None:
        return {"camera_model": "SIMPLE_RADIAL", "camera_params": [], "refine": True}
    focal = width / 2 / math.tan(math.radians(fov) / 2)
    return {"camera_model": "SIMPLE_PINHOLE", "camera_params": [focal, width / 2, height / 2], "refine": False}
