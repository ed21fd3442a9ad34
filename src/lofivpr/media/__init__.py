"""Opening pictures, frames of clips and views of panoramas through one door."""

from __future__ import annotations

from lofivpr.media.clip import count_frames, frame_rate, read_clip, read_frame, read_frames
from lofivpr.media.open import MAX_PIXELS, decode_image, fetching_once, image_digest, image_size, open_image, resolve
from lofivpr.media.panorama import perspective_view
from lofivpr.media.ref import BadImageError, ImageRef
from lofivpr.media.survey import Survey, survey_clip

__all__ = [
    "MAX_PIXELS",
    "BadImageError",
    "ImageRef",
    "Survey",
    "count_frames",
    "decode_image",
    "fetching_once",
    "frame_rate",
    "image_digest",
    "image_size",
    "open_image",
    "perspective_view",
    "read_clip",
    "read_frame",
    "read_frames",
    "resolve",
    "survey_clip",
]
