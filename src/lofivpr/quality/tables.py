"""CSV files that travel with a degraded copy: their image names follow the new names."""

from __future__ import annotations

import csv
import os
import shutil
from dataclasses import replace
from pathlib import Path

from lofivpr.media import ImageRef
from lofivpr.quality.grammar import QualityError


def copy_tables(
    source: Path, folder: Path, new_names: dict[str, str], clips: dict[str, str], skipped: set[str], table: str
) -> None:
    """Copy the CSV files beside the pictures; image names follow, rows of skipped pictures and lost frames go.

    Args:
        new_names: name in the copy of every picture and frame (`clip.mp4#frame=3`).
        clips: name in the copy of every clip.
        skipped: names of pictures and clips that have no copy.
    """
    for path in sorted(source.rglob("*.csv")):
        relative = path.relative_to(source)
        if relative.as_posix() == table or any(part.startswith(".") for part in relative.parts):
            continue
        out = folder / relative
        out.parent.mkdir(parents=True, exist_ok=True)
        header, rows = read_table(path)
        if "image" not in header:
            shutil.copyfile(path, out)
            continue
        base = relative.parent.as_posix()
        kept = [row for row in rows if inside(row["image"], base) not in skipped]
        named = [(row, renamed(row["image"], base, new_names, clips)) for row in kept]
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, header, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(row | {"image": image} for row, image in named if image is not None)


def read_table(path: Path) -> tuple[list[str], list[dict[str, str]]]:
    """Header and rows of a CSV.

    Raises:
        QualityError: not UTF-8, or no CSV.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            return list(reader.fieldnames or []), list(reader)
    except (csv.Error, UnicodeDecodeError) as error:
        raise QualityError(f"expected a CSV in UTF-8 at {path}, found: {error}. Mend it or move it away.") from error


def inside(image: str, base: str) -> str:
    """Name relative to the source folder of an image named in a table in its subfolder `base`."""
    path = image.partition("#")[0]
    return os.path.normpath(os.path.join(base, path)).replace(os.sep, "/")


def renamed(image: str, base: str, new_names: dict[str, str], clips: dict[str, str]) -> str | None:
    """The same image, named in the same table, in the copy; unchanged where it was not copied.

    None for a frame that the copy of its clip does not hold.
    """
    path, mark, fragment = image.partition("#")
    name = inside(image, base)
    if name in clips and mark:
        ref = ImageRef.parse(image)
        new = new_names.get(f"{name}#frame={ref.frame}")
        if new is None:
            return None
        mask = ref.mask and _beside(new_names.get(inside(ref.mask, base), ref.mask), base)
        return str(replace(ref, path=_beside(clips[name], base), frame=ImageRef.parse(new).frame, mask=mask))
    new_name = clips.get(name) or new_names.get(name)
    return image if new_name is None else _beside(new_name, base) + mark + fragment


def _beside(name: str, base: str) -> str:
    return os.path.relpath(name, base).replace(os.sep, "/")
