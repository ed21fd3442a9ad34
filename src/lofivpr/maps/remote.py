"""A map at a URL: copied once into a cache on this machine, then mapped into memory as any other."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from lofivpr.errors import LofiError
from lofivpr.files import atomic_path, write_atomic
from lofivpr.maps.contents import CALIBRATION
from lofivpr.maps.manifest import MANIFEST, Manifest, StoredFile
from lofivpr.urls import as_url, chunks_of_url, read_url

ORIGIN = ".origin"
"""Names the URL in a copy, which is not to be changed."""


def local_map(path: str | Path) -> Path:
    """The folder of a map: the one that is named, or the copy of what lies at a URL.

    A copy is named by the digest of its manifest, which holds those of all files. What was copied is not copied
    again, an interrupted copy goes on with the files that are missing, and a changed map is another copy.

    Raises:
        LofiError: no map at the URL, it cannot be fetched, or a file is not what the manifest says.
    """
    url = as_url(path)
    return Path(path) if url is None else _copy(url.rstrip("/"))


def cache_folder() -> Path:
    """Where copies of maps lie; what is in it may be deleted at any time."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "lofivpr" / "maps"


def _copy(url: str) -> Path:
    data = _fetch(url, MANIFEST)
    manifest = Manifest.parse(data, url)
    folder = cache_folder() / hashlib.sha256(data).hexdigest()[:16]
    missing = {name: file for name, file in manifest.files.items() if not _is_there(folder, name, file)}
    columns = (TextColumn("copy {task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not missing) as bar:
        task = bar.add_task(url, total=sum(file.size for file in missing.values()))
        for name, file in missing.items():
            for n_bytes in _copied(url, name, file, folder):
                bar.advance(task, n_bytes)
    _copy_calibration(url, folder)
    write_atomic(folder / ORIGIN, url + "\n")
    if not (folder / MANIFEST).exists():
        write_atomic(folder / MANIFEST, data)  # the last: without it there is no map
    return folder


def _is_there(folder: Path, name: str, file: StoredFile) -> bool:
    """Whether a file was copied: it got its name when its digest had been compared."""
    if PurePosixPath(name).is_absolute() or ".." in PurePosixPath(name).parts:
        raise LofiError(f"expected a map whose files lie in its folder, found {name!r}. Do not trust it.")
    path = folder / name
    return path.is_file() and path.stat().st_size == file.size


def _copied(url: str, name: str, file: StoredFile, folder: Path) -> Iterator[int]:
    """Copy a file, and tell how many bytes came."""
    sha = hashlib.sha256()
    with atomic_path(folder / name) as temporary:
        try:
            with open(temporary, "wb") as out:
                for data in chunks_of_url(f"{url}/{name}"):
                    sha.update(data)
                    out.write(data)
                    yield len(data)
        except OSError as error:
            if error.filename != f"{url}/{name}":  # this disk's, which `atomic_path` tells
                raise
            raise _unreadable(url, name, error) from error
        if (found := sha.hexdigest()[:16]) != file.digest:
            raise LofiError(
                f"expected {name} of the map {url} with the digest {file.digest}, found {found}: it was damaged, or "
                "changed while it was copied. Run the command again; if that does not help, put the map there anew."
            )


def _copy_calibration(url: str, folder: Path) -> None:
    """The one file that may change beside a manifest."""
    try:
        data = read_url(f"{url}/{CALIBRATION}")
    except FileNotFoundError:
        (folder / CALIBRATION).unlink(missing_ok=True)
        return
    except OSError as error:
        raise _unreadable(url, CALIBRATION, error) from error
    path = folder / CALIBRATION
    if not path.is_file() or path.read_bytes() != data:
        write_atomic(path, data)


def _fetch(url: str, name: str) -> bytes:
    try:
        return read_url(f"{url}/{name}")
    except OSError as error:
        raise _unreadable(url, name, error) from error


def _unreadable(url: str, name: str, error: OSError) -> LofiError:
    return LofiError(
        f"expected a map at {url}, found for its {name}: {error.strerror or error}. Check the URL and who may read it; "
        "what was copied is kept, and the same command goes on."
    )
