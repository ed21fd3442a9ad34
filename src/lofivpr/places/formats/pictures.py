"""The pictures under a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from lofivpr.places.geodesy import PlacesError

# What a picture's name ends in. HEIC is among them so that opening one says what to do, instead of silence.
SUFFIXES = frozenset(".jpg .jpeg .png .webp .avif .bmp .tif .tiff .ppm .pgm .gif .jp2 .heic .heif".split())


def is_picture(name: str) -> bool:
    """Whether a file name is a picture's, and not a hidden one."""
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in SUFFIXES


def pictures_under(folder: Path) -> Iterator[str]:
    """Paths relative to `folder` with `/`, sorted within each folder, links followed, hidden ones left out.

    A file `<name>_images_paths.txt` beside a folder `<name>` replaces the walk through it, as in
    VPR-methods-evaluation: one path a line, relative to that folder.

    Raises:
        PlacesError: such a list cannot be read.
    """
    yield from _walk(folder, "", frozenset())


def _walk(folder: Path, prefix: str, above: frozenset[str]) -> Iterator[str]:
    listed = folder.with_name(f"{folder.name}_images_paths.txt")
    if listed.is_file():
        yield from (prefix + line for line in _lines(listed))
        return
    real = os.path.realpath(folder)
    if real in above:  # a link that leads back up
        return
    entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    for entry in entries:
        if entry.is_file() and is_picture(entry.name):
            yield prefix + entry.name
    for entry in entries:
        if entry.is_dir() and not entry.name.startswith("."):
            yield from _walk(Path(entry.path), f"{prefix}{entry.name}/", above | {real})


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise PlacesError(f"expected a list of picture paths in {path}, found: {error}.") from error
