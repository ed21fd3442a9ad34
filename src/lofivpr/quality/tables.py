"""CSV files that travel with a degraded copy: their image names follow the new names."""

from __future__ import annotations

import csv
import os
import shutil
from pathlib import Path

from lofivpr.quality.grammar import QualityError


def copy_tables(source: Path, folder: Path, new_names: dict[str, str], skipped: set[str], table: str) -> None:
    """Copy the CSV files beside the pictures; image names follow, rows of skipped pictures go."""
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
        rows = [
            row | {"image": renamed(row["image"], base, new_names)}
            for row in rows
            if inside(row["image"], base) not in skipped
        ]
        with out.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, header, lineterminator="\n", extrasaction="ignore")
            writer.writeheader()
            writer.writerows(rows)


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


def renamed(image: str, base: str, new_names: dict[str, str]) -> str:
    """The same image, named in the same table, in the copy; unchanged where it was not copied."""
    path, mark, fragment = image.partition("#")
    name = inside(image, base)
    if name not in new_names:
        return image
    return os.path.relpath(new_names[name], base).replace(os.sep, "/") + mark + fragment
