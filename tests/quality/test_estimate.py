"""The estimate finds the setting again that a picture was coded with, about."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from lofivpr.places import Places
from lofivpr.quality import Quality, QualityError, estimate_quality
from lofivpr.quality.estimate import jpeg_quality


@pytest.mark.skipif("LOFIVPR_REAL_DATA" not in os.environ, reason="LOFIVPR_REAL_DATA is not set")
@pytest.mark.parametrize(
    ("text", "tolerance"),
    [("240p/jpeg:10", 4), ("120p/jpeg:10", 4), ("240p/webp:30", 22), ("240p/avif:30", 13), ("240p/vp9:crf55", 8)]
    + [(f"{height}p/{codec}", 5) for height in (240, 120) for codec in ("h264:qp40", "h265:qp40", "av1:crf50")],
)
def test_the_setting_is_found_again_in_other_pictures_than_those_measured(text: str, tolerance: int) -> None:
    tower = Places.open(Path(os.environ["LOFIVPR_REAL_DATA"]) / "tower")
    quality, found = Quality.parse(text), []
    for row in np.random.default_rng(0).permutation(len(tower))[:12]:
        encoded = quality.encode(tower.open_image(int(row)))
        assert encoded.n_bytes is not None
        estimate = estimate_quality(quality.codec, encoded.size, encoded.n_bytes)
        assert (estimate.height, estimate.codec, estimate.mode) == (quality.height, quality.codec, quality.mode)
        found.append(estimate.value)
    assert abs(np.median(found) - (quality.value or 0)) <= tolerance


@given(
    st.sampled_from(["jpeg", "webp", "avif", "h264", "h265", "av1", "vp9"]),
    st.integers(24, 1080),
    st.integers(9, 10**6),
)
def test_more_bytes_never_mean_a_coarser_setting(codec: str, height: int, n_bytes: int) -> None:
    less, more = (estimate_quality(codec, (height * 4 // 3, height), n) for n in (n_bytes, 2 * n_bytes))
    assert less.value is not None and more.value is not None
    assert more.value >= less.value if less.mode == "q" else more.value <= less.value


def test_without_a_lossy_codec_the_size_is_all_that_is_known() -> None:
    assert estimate_quality(None, (320, 240), 1000) == Quality.parse("240p") == estimate_quality("png", (320, 240), 9)


@pytest.mark.parametrize("case", [("theora", (320, 240), 9), ("jpeg", (0, 240), 9), ("jpeg", (320, 240), 0)])
def test_nonsense_is_refused(case: tuple[str, tuple[int, int], int]) -> None:
    with pytest.raises(QualityError, match="expected a codec"):
        estimate_quality(*case)


@pytest.mark.parametrize("setting", [1, 2, 5, 10, 25, 49, 50, 51, 75, 90, 95, 100])
def test_the_setting_of_a_jpeg_file_is_read_back(setting: int) -> None:
    out = io.BytesIO()
    Image.fromarray(np.zeros((16, 16, 3), np.uint8)).save(out, "JPEG", quality=setting)
    assert jpeg_quality(Image.open(io.BytesIO(out.getvalue())).quantization[0]) == setting  # type: ignore[attr-defined]


def test_tables_that_are_no_libjpegs_get_the_nearest() -> None:
    assert jpeg_quality([1] * 64) == 100 and jpeg_quality([65535] * 64) == 1
