from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from lofivpr.quality import Quality
from lofivpr.serving.estimate import estimated_quality, jpeg_quality
from lofivpr.serving.seen import open_still


@pytest.mark.parametrize("setting", [1, 2, 5, 10, 25, 49, 50, 51, 75, 90, 95, 100])
def test_the_setting_of_a_jpeg_is_read_back(setting: int, make_picture) -> None:  # type: ignore[no-untyped-def]
    out = io.BytesIO()
    Image.fromarray(make_picture(1)).save(out, "JPEG", quality=setting)
    assert jpeg_quality(Image.open(io.BytesIO(out.getvalue())).quantization[0]) == setting  # type: ignore[attr-defined]
    _, seen = open_still(out.getvalue(), 100_000)
    assert seen.quality == Quality.parse(f"160x120/jpeg:{setting}")


def test_tables_that_are_no_libjpegs_get_the_nearest() -> None:
    assert jpeg_quality([1] * 64) == 100 and jpeg_quality([65535] * 64) == 1


def test_bit_rates_of_video() -> None:
    """0.1 bits a pixel at 30 frames a second: 0.1 x 40 x 20 x 30 = 2,400 bits a second."""
    assert estimated_quality("h264", (40, 20), 0.1) == Quality.parse("40x20/h264:2kbps")
    assert estimated_quality("vp9", (40, 20), 0.0) == Quality.parse("40x20/vp9:1kbps")
    assert estimated_quality("av1", (65535, 65535), 1e9).value == 1_000_000


def test_what_cannot_be_told_is_its_size() -> None:
    for codec in ("png", "webp", "avif", "tiff", "jpeg"):
        assert estimated_quality(codec, (40, 20), 1.0) == Quality.parse("40x20")
    assert np.isfinite(estimated_quality("png", (1, 1), 8.0).width or 0)
