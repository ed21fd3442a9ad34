"""A bare folder of pictures without labels."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa

from lofivpr.places.formats.pictures import pictures_under
from lofivpr.places.formats.registry import Found, register_format
from lofivpr.places.geodesy import PlacesError


@register_format("folder", order=100, matches=Path.is_dir)
def read_folder(path: Path) -> Found:
    """Every picture under the folder, without positions: good for describing and as a database only.

    Raises:
        PlacesError: there is no picture.
    """
    images = list(pictures_under(path)) if path.is_dir() else []
    if not images:
        raise PlacesError(f"expected pictures under {path}, found none. Check the path, or name a places.csv.")
    return Found(path, pa.table({"image": pa.array(images, pa.string())}))
