from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.quality import Quality, QualityError, QualityRange

TEXTS = [
    *("raw", "240p", "jpeg:10", "180p..480p", "jpeg:5..50", "180p..480p/jpeg:5..50", "240p/h265:qp30..48"),
    *(
        "180p..480p/h265:qp30",
        "h264:crf20..40",
        "h264:64..256kbps@10fps",
        "360x203/h265:qp30..48,paper",
        "png",
    ),
]


@pytest.mark.parametrize("text", TEXTS)
def test_text_reads_back(text: str) -> None:
    assert str(QualityRange.parse(text)) == text
    assert QualityRange.parse(str(QualityRange.parse(text))) == QualityRange.parse(text)


def test_ends() -> None:
    found = QualityRange.parse("180p..480p/jpeg:5..50")
    assert found == QualityRange(Quality.parse("180p/jpeg:5"), Quality.parse("480p/jpeg:50"))
    assert QualityRange.parse("raw") == QualityRange(Quality.RAW, Quality.RAW)


def test_draws_every_quality_of_the_range_and_no_other() -> None:
    rng = np.random.default_rng(0)
    found = {str(QualityRange.parse("180p..182p/jpeg:5..7").draw(rng)) for _ in range(400)}
    assert found == {f"{h}p/jpeg:{q}" for h in (180, 181, 182) for q in (5, 6, 7)}


@given(st.integers(0, 2**32), st.sampled_from(TEXTS))
def test_the_seed_decides(seed: int, text: str) -> None:
    space = QualityRange.parse(text)
    a, b = (space.draw(np.random.default_rng(seed)) for _ in range(2))
    assert a == b and Quality.parse(str(a)) == a


def test_the_source_bounds_the_height() -> None:
    space, rng = QualityRange.parse("180p..480p"), np.random.default_rng(0)
    heights = [space.draw(rng, size=(320, 200)).height or 0 for _ in range(200)]
    assert min(heights) == 180 and max(heights) == 200
    with pytest.raises(QualityError, match="never enlarges"):
        space.draw(rng, size=(320, 179))


@pytest.mark.parametrize(
    "text",
    ["480p..180p", "jpeg:50..5", "jpeg:5..101", "jpeg:..5", "raw..240p", "jpeg:5..webp:9", "240p..", ".."],
)
def test_refusals(text: str) -> None:
    with pytest.raises(QualityError):
        QualityRange.parse(text)


def test_ends_must_belong_together() -> None:
    pairs = [("raw", "240p"), ("jpeg:5", "webp:5"), ("h264:qp30", "h264:crf40"), ("80x60", "80x90")]
    for low, high in pairs:
        with pytest.raises(QualityError, match="two ends"):
            QualityRange(Quality.parse(low), Quality.parse(high))
