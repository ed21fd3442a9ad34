"""Files at URLs, from a real server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from lofivpr.urls import as_url, chunks_of_url, open_url, read_url
from s3 import Bucket


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("s3://town/a.jpg", "s3://town/a.jpg"),
        (Path("s3://town/a.jpg"), "s3://town/a.jpg"),  # a Path has one slash left
        (Path("gs://town") / "a" / "b", "gs://town/a/b"),
        ("/home/town", None),
        (Path("/home/town"), None),
        (Path("C:/town"), None),
        ("s3:/town", None),
        ("town", None),
    ],
)
def test_what_is_a_url(path: str | Path, url: str | None) -> None:
    assert as_url(path) == url


def test_bytes_come_as_they_lie_there(bucket: Bucket) -> None:
    data = bytes(range(256)) * 40_000  # more than one chunk
    bucket.write("data", data)
    assert read_url(f"{bucket.url}/data") == data
    chunks = list(chunks_of_url(f"{bucket.url}/data"))
    assert b"".join(chunks) == data and len(chunks) > 1
    with open_url(f"{bucket.url}/data") as file:
        file.seek(10_000_000)
        assert file.read(4) == data[10_000_000:10_000_004]


@pytest.mark.parametrize("read", [read_url, lambda url: list(chunks_of_url(url))])
def test_every_fault_is_an_os_error_that_says_why(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, read: Callable[[str], object]
) -> None:
    import s3fs

    with pytest.raises(FileNotFoundError, match="no such file"):
        read(f"{bucket.url}/nothing")
    with pytest.raises(OSError, match="Protocol not known: nope"):
        read("nope://town/a")
    s3fs.S3FileSystem.clear_instance_cache()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    with pytest.raises(OSError, match="Unable to locate credentials"):
        read(f"{bucket.url}/data")
