"""A generated town: textured streets with exact geometry, in any light, from any camera."""

from __future__ import annotations

from lofivpr.places.town.camera import Camera, PanoramaCamera, PinholeCamera
from lofivpr.places.town.generate import generate_town, labels_of
from lofivpr.places.town.light import EVENING, LIGHTS, MORNING, OVERCAST, Light
from lofivpr.places.town.render import Rendered
from lofivpr.places.town.round_block import round_block
from lofivpr.places.town.scene import Street
from lofivpr.places.town.street_plan import draw_plan
from lofivpr.places.town.surfaces import Label
from lofivpr.places.town.town import Town

__all__ = [
    "EVENING",
    "LIGHTS",
    "MORNING",
    "OVERCAST",
    "Camera",
    "Label",
    "Light",
    "PanoramaCamera",
    "PinholeCamera",
    "Rendered",
    "Street",
    "Town",
    "draw_plan",
    "generate_town",
    "labels_of",
    "round_block",
]
