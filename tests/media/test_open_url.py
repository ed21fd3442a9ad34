"""Pictures and frames of clips at URLs."""

from __future__ import annotations

import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lofivpr.media import BadImageError, fetching_once, image_digest, open_image
from lofivpr.media import open as module
from s3 import Bucket


def png(seed: int) -> tuple[bytes, np.ndarray]:
    pixels = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "PNG")
    return data.getvalue(), pixels


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The URLs that were fetched."""
    urls: list[str] = []

    def note(url: str, go: Callable[[str], bytes] = module.read_url) -> bytes:
        urls.append(url)
        return go(url)

    monkeypatch.setattr(module, "read_url", note)
    return urls


def test_a_picture_is_what_it_is_on_disk(bucket: Bucket, tmp_path: Path) -> None:
    data, pixels = png(0)
    (tmp_path / "a.png").write_bytes(data)
    bucket.write("pictures/a.png", data)
    for ref, root in (
        ("s3://town/pictures/a.png", None),
        ("a.png", "s3://town/pictures"),
        ("pictures/a.png", bucket.url),
    ):
        np.testing.assert_array_equal(open_image(ref, root), pixels)
        assert image_digest(ref, root) == image_digest("a.png", tmp_path)


def test_digest_and_pixels_are_of_one_fetch(bucket: Bucket, fetched: list[str]) -> None:
    url = f"{bucket.url}/a.png"
    (first, seen), (second, changed) = png(1), png(2)
    bucket.write("a.png", first)
    with fetching_once():
        before = image_digest(url)
        bucket.write("a.png", second)
        np.testing.assert_array_equal(open_image(url), seen)
        with ThreadPoolExecutor(1) as other:
            np.testing.assert_array_equal(other.submit(open_image, url).result(), changed)
    assert len(fetched) == 2
    assert image_digest(url) != before
    np.testing.assert_array_equal(open_image(url), changed)
    assert len(fetched) == 4


def test_faults_name_the_url(bucket: Bucket) -> None:
    with pytest.raises(BadImageError, match="expected a picture at s3://town/none.png, found: no such file"):
        open_image("s3://town/none.png")
    with pytest.raises(
        BadImageError, match="expected a readable video clip at s3://town/none.mp4, found: no such file"
    ):
        open_image("s3://town/none.mp4#frame=0")
