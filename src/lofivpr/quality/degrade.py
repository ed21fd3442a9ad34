"""A degraded copy of a folder of pictures and clips, with a table of what it cost."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from PIL import Image

from lofivpr.cores import usable_cores
from lofivpr.files import atomic_path
from lofivpr.media import BadImageError, ImageRef, decode_image
from lofivpr.media.open import read_bytes
from lofivpr.quality.degrade_clip import CLIPS, clip_suffix, degrade_clip, is_clip
from lofivpr.quality.degraded_row import DegradedRow, degraded_row, write_rows
from lofivpr.quality.grammar import CODECS, QualityError
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
class DegradedFolder:
    """What `degrade_folder` wrote: the rows of its table, and what was skipped (name and why)."""

    path: Path
    rows: list[DegradedRow]
    skipped: list[tuple[str, str]]

    @property
    def clips(self) -> dict[str, str]:
        """Name in the source -> name in the copy of every clip."""
        frames = ((ImageRef.parse(row.source), ImageRef.parse(row.image)) for row in self.rows)
        return {source.path: image.path for source, image in frames if source.frame is not None}


def degrade_folder(
    src: str | Path, dst: str | Path, quality: Quality, skip_bad: bool = False, progress: bool = False
) -> DegradedFolder:
    """Write a degraded copy of a folder (recursively) and `quality.csv`; the source is never touched.

    JPEG, WebP, AVIF and PNG qualities write the very bytes of the channel; video codecs and bare resolutions
    write the decoded picture as PNG (`quality.csv` has the bytes of the stream); `raw` copies the files.
    Clips go through the channel as clips, see `degrade_clip`; the table has a row for each of their frames.
    Names stay but for the suffix. CSV files (`places.csv`) come along, and their `image` column follows the
    new names; rows of frames that a frame rate (`@10fps`) leaves out go. Other files stay behind.

    Args:
        src: folder with pictures, clips or both.
        dst: a new folder, an empty one, or an earlier copy, which is replaced when all is written.
        quality: what the channel does; a bit rate only where all are clips.
        skip_bad: list unreadable pictures and clips instead of ending at the first one.
        progress: show a bar.

    Raises:
        QualityError: no pictures, a folder that must not be written, a quality that does not fit a picture or
            clip (a resolution or frame rate above its own, a bit rate for a picture).
        BadImageError: an unreadable picture or clip, unless `skip_bad`.
        LofiError: the disk is full.
    """
    source, target = Path(src), Path(dst)
    _check_folders(source, target)
    names = _picture_names(source)
    copies = _new_names(names, quality)
    with atomic_path(target) as folder:
        folder.mkdir()

        def work(name: str) -> list[DegradedRow] | str:
            try:
                return _degrade_file(source, folder, name, copies[name], quality)
            except BadImageError as error:
                if not skip_bad:
                    raise
                return str(error)

        results = dict(zip(names, _bar(_in_threads(work, names), len(names), progress), strict=True))
        rows = [row for found in results.values() if not isinstance(found, str) for row in found]
        copy = DegradedFolder(target, rows, [(name, bad) for name, bad in results.items() if isinstance(bad, str)])
        write_rows(folder / TABLE, rows)
        new_names = {row.source: row.image for row in rows}
        copy_tables(source, folder, new_names, copy.clips, {name for name, _ in copy.skipped}, TABLE)
    return copy


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
    """Relative POSIX names of all pictures and clips, sorted; hidden files and folders are left out."""
    suffixes = (*PICTURES, *CLIPS)
    names = [
        path.relative_to(source).as_posix()
        for path in source.rglob("*")
        if path.suffix.lower() in suffixes and path.is_file()
    ]
    names = sorted(name for name in names if not any(part.startswith(".") for part in name.split("/")))
    if not names:
        raise QualityError(
            f"expected pictures or clips in {source}, found none. Their suffixes are {', '.join(suffixes)}."
        )
    return names


def _new_names(names: Sequence[str], quality: Quality) -> dict[str, str]:
    """Name in the copy of each file: a new suffix; after the old one where `a.jpg` is beside `a.png`."""
    if quality.is_raw:
        return {name: name for name in names}
    picture = SUFFIXES.get(quality.codec or "", ".png")
    suffixes = {name: clip_suffix(name, quality) if is_clip(name) else picture for name in names}
    short = {name: os.path.splitext(name)[0] + suffix for name, suffix in suffixes.items()}
    unique = len(set(short.values())) == len(names)
    return short if unique else {name: name + suffix for name, suffix in suffixes.items()}


def _degrade_file(source: Path, folder: Path, name: str, new_name: str, quality: Quality) -> list[DegradedRow]:
    work = degrade_clip if is_clip(name) else _degrade_picture
    try:
        return work(source, folder, name, new_name, quality)
    except QualityError as error:  # which knows nothing of files
        raise QualityError(f"{source / name}: {error}") from error


def _degrade_picture(source: Path, folder: Path, name: str, new_name: str, quality: Quality) -> list[DegradedRow]:
    data = read_bytes(str(source / name))
    image = decode_image(data, str(source / name))
    encoded = quality.encode(image)
    out = folder / new_name
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_bytes(data if quality.is_raw else _file_bytes(encoded, quality))
    return [degraded_row(new_name, name, image, encoded.image, encoded.n_bytes)]


def _file_bytes(encoded: Encoded, quality: Quality) -> bytes:
    """The channel's own file where it is one, else the decoded picture as PNG."""
    if encoded.data is not None and quality.codec is not None and not CODECS[quality.codec].is_video:
        return encoded.data
    out = io.BytesIO()
    Image.fromarray(encoded.image).save(out, format="PNG", compress_level=1)
    return out.getvalue()


def _in_threads(work: Callable[[str], T], names: Sequence[str]) -> Iterator[T]:
    """Results in order; codecs release the interpreter, so threads are enough."""
    with ThreadPoolExecutor(max_workers=min(8, usable_cores())) as pool:
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
