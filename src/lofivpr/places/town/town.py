"""The generated town: built once from a seed, then looked at from anywhere, in any light."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from lofivpr.errors import LofiError
from lofivpr.places.town import props
from lofivpr.places.town.building import build
from lofivpr.places.town.camera import Camera, PanoramaCamera, PinholeCamera
from lofivpr.places.town.light import MORNING, Light, Shadows, cast
from lofivpr.places.town.palette import make_palette
from lofivpr.places.town.render import Rendered, paint, render, survey
from lofivpr.places.town.scene import Street, make_layout
from lofivpr.places.town.shade import Scene
from lofivpr.places.town.surfaces import Builder, Surfaces
from lofivpr.places.town.texture import pack
from lofivpr.places.town.traffic import Crowd, make_crowd, park_cars

EYE = 1.75  # metres above the road


class Town:
    """A town of `columns` (train, test) columns of blocks with one column between, and `rows` rows.

    World: x east, y north, z up, metres, the corner of the outermost streets at (0, 0). `traffic` numbers a
    traversal: other passers-by and parked cars; None empties the streets. Time (seconds) moves passers-by.
    """

    def __init__(self, seed: int = 0, columns: tuple[int, int] = (2, 1), rows: int = 4, fronts: int = 90) -> None:
        self.seed, self.layout = seed, make_layout(seed, *columns, rows)
        self._palette = make_palette(seed, fronts)
        self._atlas = pack(self._palette.textures)
        builder = self._builder()
        self._houses = build(self.layout, self._palette, builder, seed)
        self._still, self._balls = builder.surfaces(), builder.balls()
        self._clouds = props.clouds(np.random.default_rng([seed, 4]))
        # One traversal in one light is asked for again and again.
        self._traffic = lru_cache(maxsize=4)(self._make_traffic)
        self._shadows = lru_cache(maxsize=4)(self._cast)

    @property
    def streets(self) -> tuple[Street, ...]:
        """The straight stretches of street."""
        return self.layout.streets

    def _builder(self) -> Builder:
        textures = self._palette.textures
        return Builder([t.size for t in textures], [t.repeat for t in textures])

    def _make_traffic(self, traffic: int | None) -> tuple[Surfaces, NDArray[np.float64], Crowd | None]:
        if traffic is None:
            return self._still, np.zeros((0, 4)), None
        rng, builder = np.random.default_rng([self.seed, 5, traffic]), self._builder()
        prints = park_cars(self.layout, self._palette, builder, rng)
        return self._still.join(builder.surfaces()), prints, make_crowd(self.layout, self._palette, rng)

    def _cast(self, light: Light, traffic: int | None) -> Shadows:
        return cast(self.layout.size, self._houses, self._traffic(traffic)[1], self._balls, light)

    def scene(
        self, position: tuple[float, float, float], light: Light, traffic: int | None, time: float = 0.0
    ) -> Scene:
        """Everything to be seen from a position."""
        surfaces, _, crowd = self._traffic(traffic)
        if crowd is not None:
            surfaces = surfaces.join(crowd.surfaces(position, time, self._palette))
        return Scene(surfaces, self._balls, self._atlas, light, self._shadows(light, traffic), self._clouds)

    def render(
        self, camera: Camera, light: Light = MORNING, traffic: int | None = 0, time: float = 0.0, supersample: int = 2
    ) -> Rendered:
        """Picture, exact depth and exact labels of a camera."""
        return render(self.scene(camera.position, light, traffic, time), camera, supersample)

    def picture(
        self, camera: Camera, light: Light = MORNING, traffic: int | None = 0, time: float = 0.0, supersample: int = 2
    ) -> NDArray[np.uint8]:
        """The picture alone, H x W x 3 uint8 RGB: as `render`, without the cost of depth and labels."""
        return paint(self.scene(camera.position, light, traffic, time), camera, supersample)

    def labels(self, camera: Camera, traffic: int | None = 0, time: float = 0.0) -> NDArray[np.uint8]:
        """What each pixel of a camera shows, H x W of `Label`: those of `render`, without its colours."""
        return survey(self.scene(camera.position, MORNING, traffic, time), camera)[1]

    def panorama(
        self, position: tuple[float, float, float], light: Light = MORNING, traffic: int | None = 0,
        heading_deg: float = 0.0, width: int = 1024, time: float = 0.0,
    ) -> Rendered:  # fmt: skip
        """A 360-degree equirectangular view, width x width / 2; the middle column looks along the heading."""
        return self.render(PanoramaCamera(position, heading_deg, width, width // 2), light, traffic, time)

    def walk(self, street: Street, frames: int, fps: float = 10.0, speed: float = 1.4) -> list[PinholeCamera]:
        """Cameras of a walk along a street, from its start: a steady step, a slight sway."""
        if frames < 1 or fps <= 0:
            raise LofiError(f"expected at least 1 frame and a positive rate, found {frames} and {fps}.")
        heading, cameras = (90.0 if street.axis == 0 else 0.0), []
        for i in range(frames):
            time = i / fps
            along = min(street.start + 4 + speed * time, street.end - 2)
            x, y = street.point(along, 0.15 * np.sin(2.1 * time) - 1.0)
            z = EYE + 0.025 * np.sin(2 * np.pi * 1.8 * time)
            turn, tilt = 1.2 * np.sin(1.3 * time), 0.4 * np.sin(2 * np.pi * 0.9 * time)
            cameras.append(PinholeCamera((x, y, float(z)), float(heading + turn), 1.0, float(tilt)))
        return cameras

    def clip(
        self, street: Street | int = 0, frames: int = 50, fps: float = 10.0, light: Light = MORNING,
        traffic: int | None = 0, size: tuple[int, int] = (480, 360), speed: float = 1.4,
    ) -> Iterator[tuple[PinholeCamera, Rendered]]:  # fmt: skip
        """Frames of one camera walking along a street (or the street of that number), passers-by walking too."""
        chosen = self.streets[street] if isinstance(street, int) else street
        for i, camera in enumerate(self.walk(chosen, frames, fps, speed)):
            sized = replace(camera, width=size[0], height=size[1])
            yield sized, self.render(sized, light, traffic, i / fps)
