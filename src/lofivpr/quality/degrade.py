"""A degraded copy of a folder of pictures, with a table of what it cost."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TypeVar

import cv2
import numpy as np
from PIL import Image

from lofivpr.files import atomic_path
from lofivpr.media import BadImageError, decode_image
from lofivpr.media.open import read_bytes
from lofivpr.quality.grammar import CODECS, QualityError
from lofivpr.quality.metrics import WINDOW, psnr, ssim
from lofivpr.quality.quality import Encoded, Quality
from lofivpr.quality.tables import copy_tables

T = TypeVar("T")
TABLE = "quality.csv"
PICTURES = (
    *(".jpg", ".jpeg", ".png", ".webp", ".avif", ".bmp", ".tif", ".tiff", ".gif", ".ppm"),
    *(".heic", ".heif", ".jxl"),  # not supported, but named rather than left out in silence
)
SUFFIXES = {"jpeg": ".jpg", "webp": ".webp", "avif": ".avif"}


@dataclass(frozen=True)
class DegradedRow:
    """One picture of the table: its name in the copy and in the source, and what the channel did to it.

    `width` and `height` are those of the degraded picture. `bytes` is None without a codec. `psnr_db` and
    `ssim` compare with the source at the source's size (the degraded picture is enlarged by OpenCV's
    INTER_CUBIC), so they count lost resolution; `psnr_db` is infinite where nothing was lost, `ssim` None
    below 11 pixels a side.
    """

    image: str
    source: str
    width: int
    height: int
    bytes: int | None
    psnr_db: float
    ssim: float | None


@dataclass(frozen=True)
class DegradedFolder:
    """What `degrade_folder` wrote: the rows of its table, and what was skipped (name and why)."""

    path: Path
    rows: list[DegradedRow]
    skipped: list[tuple[str, str]]


def degrade_folder(
    src: str | Path, dst: str | Path, quality: Quality, skip_bad: bool = False, progress: bool = False
) -> DegradedFolder:
    """Write a degraded copy of a folder (recursively) and `quality.csv`; the source is never touched.

    JPEG, WebP, AVIF and PNG qualities write the very bytes of the channel; video codecs and bare resolutions
    write the decoded picture as PNG (`quality.csv` has the bytes of the stream); `raw` copies the files.
    Names stay but for the suffix. CSV files (`places.csv`) come along, and their `image` column follows the
    new names. Clips and other files stay behind.

    Args:
        src: folder with pictures.
        dst: a new folder, an empty one, or an earlier copy, which is replaced when all is written.
        quality: what the channel does; not a bit rate.
        skip_bad: list unreadable pictures instead of ending at the first one.
        progress: show a bar.

    Raises:
        QualityError: no pictures, a folder that must not be written, a resolution above a picture's.
        BadImageError: an unreadable picture, unless `skip_bad`.
        LofiError: the disk is full.
    """
    source, target = Path(src), Path(dst)
    _check_folders(source, target)
    names = _picture_names(source)
    copies = _new_names(names, quality)
    with atomic_path(target) as folder:
        folder.mkdir()

        def work(name: str) -> DegradedRow | tuple[str, str]:
            try:
                return _degrade_file(source, folder, name, copies[name], quality)
            except BadImageError as error:
                if not skip_bad:
                    raise
                return name, str(error)

        results = list(_bar(_in_threads(work, names), len(names), progress))
        rows = [result for result in results if isinstance(result, DegradedRow)]
        skipped = [result for result in results if not isinstance(result, DegradedRow)]
        _write_table(folder / TABLE, rows)
        new_names = {row.source: row.image for row in rows}
        copy_tables(source, folder, new_names, {name for name, _ in skipped}, TABLE)
    return DegradedFolder(target, rows, skipped)


def _check_folders(source: Path, target: Path) -> None:
    if not source.is_dir():
        raise QualityError(f"expected a folder of pictures at {source}, found none. Check the path.")
    a, b = source.resolve(), target.resolve()
    if a == b or a in b.parents or b in a.parents:
        raise QualityError(
            f"expected a destination apart from the source {source}, found {target}. "
            "Choose a folder that is neither inside it nor around it."
        )
    ours = target.is_dir() and (not any(target.iterdir()) or (target / TABLE).is_file())
    if target.exists() and not ours:
        raise QualityError(
            f"expected a new folder or an earlier degraded copy at {target}, found other files. "
            "Choose another destination, or remove it yourself."
        )


def _picture_names(source: Path) -> list[str]:
    """Relative POSIX names of all pictures, sorted; hidden files and folders are left out."""
    names = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.suffix.lower() in PICTURES and path.is_file()
    ]
    names = sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))
    if not names:
        raise QualityError(f"expected pictures in {source}, found none. Their suffixes are {', '.join(PICTURES)}.")
    return names


def _new_names(names: Sequence[str], quality: Quality) -> dict[str, str]:
    """Name in the copy of each picture: a new suffix; after the old one where `a.jpg` is beside `a.png`."""
    if quality.is_raw:
        return {name: name for name in names}
    suffix = SUFFIXES.get(quality.codec or "", ".png")
    stems = {name: os.path.splitext(name)[0] for name in names}
    unique = len(set(stems.values())) == len(names)
    return {name: (stems[name] if unique else name) + suffix for name in names}


def _degrade_file(source: Path, folder: Path, name: str, new_name: str, quality: Quality) -> DegradedRow:
    data = read_bytes(str(source / name))
    image = decode_image(data, str(source / name))
    encoded = quality.encode(image)
    out = folder / new_name
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data if quality.is_raw else _file_bytes(encoded, quality))
    width, height = encoded.size
    return DegradedRow(new_name, name, width, height, encoded.n_bytes, *_losses(image, encoded.image))


def _file_bytes(encoded: Encoded, quality: Quality) -> bytes:
    """The channel's own file where it is one, else the decoded picture as PNG."""
    if encoded.data is not None and quality.codec is not None and not CODECS[quality.codec].is_video:
        return encoded.data
    out = io.BytesIO()
    Image.fromarray(encoded.image).save(out, format="PNG", compress_level=1)
    return out.getvalue()


def _losses(image: np.ndarray, degraded: np.ndarray) -> tuple[float, float | None]:
    size = (image.shape[1], image.shape[0])
    if degraded.shape != image.shape:
        degraded = cv2.resize(degraded, size, interpolation=cv2.INTER_CUBIC)
    return psnr(image, degraded), ssim(image, degraded) if min(size) >= WINDOW else None


def _in_threads(work: Callable[[str], T], names: Sequence[str]) -> Iterator[T]:
    """Results in order; codecs release the interpreter, so threads are enough."""
    with ThreadPoolExecutor(max_workers=min(8, os.cpu_count() or 1)) as pool:
        try:
            yield from pool.map(work, names)
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _bar(results: Iterator[T], total: int, show: bool) -> Iterator[T]:
    if not show:
        return results
    from rich.progress import track  # only people look at it

    return iter(track(results, description="degrade", total=total))


def _write_table(path: Path, rows: Sequence[DegradedRow]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([f.name for f in fields(DegradedRow)])
        for row in rows:
            cells = ["" if cell is None else cell for cell in astuple(row)]
            writer.writerow([f"{cell:.6g}" if isinstance(cell, float) else cell for cell in cells])
