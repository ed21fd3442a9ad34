"""Pictures small enough to travel inside the report."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from PIL import Image

from lofivpr.errors import LofiError
from lofivpr.media import open_image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lofivpr.evaluation.theme import Theme

WIDTH = 300


def data_uri(data: bytes, kind: str) -> str:
    """`data:` URI of a file's bytes; `kind` is its media type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def thumbnail(image: np.ndarray, width: int = WIDTH, quality: int = 82) -> str:
    """`small_jpeg` as a data URI."""
    return data_uri(small_jpeg(image, width, quality), "image/jpeg")


def small_jpeg(image: np.ndarray, width: int = WIDTH, quality: int = 82) -> bytes:
    """JPEG file of a uint8 H x W x 3 picture, `width` pixels wide.

    A smaller picture is enlarged without smoothing, so that what a channel left of it stays visible.
    """
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    shrinks = image.shape[1] >= width
    how = cv2.INTER_AREA if shrinks else cv2.INTER_NEAREST
    small = cv2.resize(image, (width, height), interpolation=how)
    stream = io.BytesIO()
    Image.fromarray(small).save(stream, "JPEG", quality=quality, optimize=True)
    return stream.getvalue()


def picture(root: Path | None, image: str) -> np.ndarray | None:
    """Uint8 H x W x 3, None if it cannot be read any more: a report does without rather than fail."""
    try:
        return open_image(image, root)
    except (LofiError, OSError):
        return None


def figure_uris(draw: Callable[[Theme], Figure | None]) -> dict[str, str] | None:
    """The figure as SVG data URIs on light and on dark paper; None when there is nothing to draw."""
    from lofivpr.evaluation.theme import DARK, LIGHT, render

    uris = {}
    for theme in (LIGHT, DARK):
        figure = draw(theme)
        if figure is None:
            return None
        uris[theme.name] = data_uri(render(figure, "svg"), "image/svg+xml")
    return uris
