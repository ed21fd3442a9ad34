from __future__ import annotations

import io

import cv2
import numpy as np
import pytest
from PIL import Image

from lofivpr.media import BadImageError
from lofivpr.quality import PictureFile, Quality

COARSE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)
PIXELS = cv2.resize(COARSE, (60, 40), interpolation=cv2.INTER_CUBIC)


def saved(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(PIXELS).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("setting", [3, 10, 50, 95])
def test_a_jpeg_says_what_it_was_set_to(setting: int) -> None:
    file = PictureFile.read(saved("JPEG", quality=setting))
    assert file is not None and file.is_lossy
    assert file.quality((60, 40)) == Quality(60, 40, "jpeg", "q", setting)


@pytest.mark.parametrize("codec", ["webp", "avif"])
def test_another_codec_is_guessed_by_its_bytes(codec: str) -> None:
    few, many = (PictureFile.read(Quality.parse(f"{codec}:{q}").encode(PIXELS).data or b"") for q in (5, 80))
    assert few is not None and many is not None and few.codec == codec and few.is_lossy
    low, high = few.quality((60, 40)), many.quality((60, 40))
    assert (low.codec, low.height) == (codec, 40) and low.value < high.value  # type: ignore[operator]


@pytest.mark.parametrize("kind", ["PNG", "BMP", "TIFF", "GIF"])
def test_a_format_that_loses_nothing_has_a_size_alone(kind: str) -> None:
    file = PictureFile.read(saved(kind))
    assert file is not None and (file.codec, file.is_lossy) == (kind.lower(), False)
    assert file.quality((60, 40)) == Quality(height=40)


def test_what_is_no_picture_or_not_wanted() -> None:
    assert PictureFile.read(b"") is None and PictureFile.read(b"%!PS-Adobe-3.0 EPSF-3.0") is None
    assert PictureFile.read(saved("GIF"), ("JPEG", "PNG")) is None


def test_a_picture_of_far_too_many_pixels_is_refused_by_its_head(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(BadImageError, match="fewer pixels"):
        PictureFile.read(saved("PNG"))
