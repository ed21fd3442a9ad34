"""Recordings in a data set that does not copy them: their names, and the links that stand for them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from lofivpr import files
from lofivpr.media.open import read_bytes
from lofivpr.places.geodesy import PlacesError

FOLDER = "clips"


def names_in(clips: Sequence[str | Path], out: Path) -> dict[str, str]:
    """Clip (an absolute path or a URL) -> what references of the data set `out` call it.

    Raises:
        PlacesError: no clips, or two of one name.
    """
    names: dict[str, str] = {}
    for clip in map(str, clips):
        path = clip if "://" in clip else os.path.abspath(clip)
        name = _name_in(path, out.absolute())
        if name in names.values() and names.get(path) != name:
            raise PlacesError(f"expected clips of different names, found {Path(path).name} twice. Rename one.")
        names[path] = name
    if not names:
        raise PlacesError("expected at least one clip, found none. Name the recordings.")
    return names


def _name_in(path: str, out: Path) -> str:
    if "://" in path:
        return path
    inside = Path(path).is_relative_to(out)
    return Path(path).relative_to(out).as_posix() if inside else f"{FOLDER}/{Path(path).name}"


def link_clip(clip: str, name: str, out: Path) -> None:
    """Make `out / name` a link to a clip outside `out`; a clip inside and a URL need none.

    Raises:
        PlacesError: something else is there.
    """
    link = out.absolute() / name
    if "://" in clip or str(link) == clip or (link.is_symlink() and os.readlink(link) == clip):
        return
    if os.path.lexists(link):
        raise PlacesError(f"expected no file at {link}, where a link to {clip} goes, found one. Remove or rename it.")
    link.parent.mkdir(parents=True, exist_ok=True)
    os.symlink(clip, link)


def keep_mask(mask: str, out: Path) -> str:
    """Copy a mask into `out`, under a name that tells its contents: another mask makes other pictures.

    Raises:
        BadImageError: the mask is not there.
    """
    data = read_bytes(mask)
    name = f"mask-{files.digest(data)}{Path(mask).suffix.lower()}"
    files.write_atomic(out / name, data)
    return name
