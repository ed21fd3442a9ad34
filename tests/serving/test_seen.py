from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lofivpr.maps.evidence import SeenQuality
from lofivpr.media import BadImageError
from lofivpr.serving.seen import Seen, open_still, seen_of


def test_bits_a_pixel_of_a_still_and_of_a_stream() -> None:
    assert seen_of("jpeg", (40, 20), 100).bits_per_pixel == 1.0
    assert seen_of("h264", (40, 20), 100, mean_bytes=50).bits_per_pixel == 0.5
    assert seen_of("h264", (40, 20), 100, mean_bytes=50).n_bytes == 100


def test_what_the_calibration_is_told() -> None:
    assert seen_of("jpeg", (40, 20), 100).for_calibration == SeenQuality("jpeg", 20, 1.0)
    for codec in ("png", "tiff", "bmp"):
        assert seen_of(codec, (40, 20), 100).for_calibration == SeenQuality(None, 20, None)
    assert Seen(None, None, None, 512, None).for_calibration == SeenQuality()


def test_a_picture_is_turned_upright_before_its_size_is_told() -> None:
    image = Image.fromarray(np.zeros((20, 40, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    out = io.BytesIO()
    image.save(out, "JPEG", exif=exif)
    opened, seen = open_still(out.getvalue(), 10_000)
    assert opened.shape == (40, 20, 3) and (seen.codec, seen.width, seen.height) == ("jpeg", 20, 40)


@pytest.mark.parametrize("data", [b"", b"%!PS-Adobe-3.0 EPSF-3.0", b"GIF89a", b"\xff\xd8\xff", b"II*\0" + bytes(40)])
def test_what_is_no_picture(data: bytes) -> None:
    with pytest.raises(BadImageError, match="expected"):
        open_still(data, 10_000)
