"""Files that are never half-written, and digests of what they hold."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from lofivpr.errors import LofiError


class DiskFullError(LofiError):
    """Nothing was written, for there is no room for it."""


@contextmanager
def atomic_path(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path (file or folder) beside `path`; rename it to `path` on success.

    On any error, an interrupt included, the temporary is removed and `path` stays as it was.

    Raises:
        LofiError: the disk is full (DiskFullError) or the folder cannot be written.
    """
    path = Path(path)
    temporary, old = (path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.{end}") for end in ("tmp", "old"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if path.is_dir() and temporary.is_dir():
            _replace_folder(temporary, path, old)
        else:
            os.replace(temporary, path)
    except OSError as error:
        kind = DiskFullError if error.errno in (errno.ENOSPC, errno.EDQUOT) else LofiError
        raise kind(
            f"expected to write {path}, found: {error.strerror or error}{_elsewhere(error, temporary)}. "
            "Free space or choose another folder; what was there before is untouched."
        ) from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        elif temporary.parent.is_dir():
            temporary.unlink(missing_ok=True)


def _replace_folder(new: Path, path: Path, old: Path) -> None:
    """Move `new` to `path`: whatever fails, one of the two is whole at `path`; a kill may leave `old`."""
    os.replace(path, old)
    try:
        os.replace(new, path)
    except BaseException:
        os.replace(old, path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _elsewhere(error: OSError, temporary: Path) -> str:
    """The file that an error is about, unless it is what is being written."""
    name = error.filename
    return f" ({name})" if isinstance(name, str) and not name.startswith(str(temporary)) else ""


def write_atomic(path: str | Path, data: bytes | str) -> None:
    """Write `data` to `path` so that a reader sees the old file or the new one, never a part."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data.encode() if isinstance(data, str) else data)


def write_json(path: str | Path, value: Any) -> None:
    """Write `value` as indented JSON, atomically."""
    write_atomic(path, json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def digest(*parts: bytes | str) -> str:
    """SHA-256 (first 16 hex digits) of the parts, each with its length: ("ab",) is not ("a", "b").

    A text counts as its UTF-8 bytes.
    """
    sha = hashlib.sha256()
    for part in parts:
        data = part.encode() if isinstance(part, str) else part
        sha.update(len(data).to_bytes(8, "little"))
        sha.update(data)
    return sha.hexdigest()[:16]
