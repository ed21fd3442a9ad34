"""Files at URLs, through fsspec: s3://, gs://, https:// and whatever else has a package for it."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

URL = re.compile(r"(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]+):/(?P<rest>[^/].*)")  # a letter alone is a drive
CHUNK = 4 * 2**20


def as_url(path: str | Path) -> str | None:
    """The URL that a path means, None if it is a file's; `Path` folds the two slashes of `s3://` into one."""
    text = str(path)
    if "://" in text:
        return text
    match = URL.fullmatch(text) if isinstance(path, Path) else None
    return None if match is None else f"{match['scheme']}://{match['rest']}"


def open_url(url: str) -> IO[bytes]:
    """The file at a URL, open for reading.

    Raises:
        OSError: whatever its file system raises; `strerror` says what. FileNotFoundError: there is no such file.
    """
    with _as_os_error(url):
        import fsspec  # only URLs need it

        return cast(IO[bytes], fsspec.open(url, "rb").open())


def read_url(url: str) -> bytes:
    """All bytes at a URL. Raises OSError, see `open_url`."""
    with _as_os_error(url):
        from fsspec.core import url_to_fs

        files, path = url_to_fs(url)
        return bytes(files.cat_file(path))  # one request, where opening would ask for the size first


def chunks_of_url(url: str) -> Iterator[bytes]:
    """The bytes at a URL, a few megabytes at a time. Raises OSError, see `open_url`."""
    with open_url(url) as file:
        while True:
            with _as_os_error(url):
                data = file.read(CHUNK)
            if not data:
                return
            yield data


@contextmanager
def _as_os_error(url: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        why = "" if error.__cause__ is None else f" ({_reason(error.__cause__)})"  # of HTTP also: no such host
        raise FileNotFoundError(errno.ENOENT, f"no such file{why}", url) from error
    except Exception as error:  # file systems have kinds of their own, such as botocore's NoCredentialsError
        raise OSError(errno.EIO, _reason(error), url) from error


def _reason(error: BaseException) -> str:
    return " ".join(str(getattr(error, "strerror", None) or error).split()).rstrip(".") or type(error).__name__
