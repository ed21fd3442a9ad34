"""The condition vector: null at raw, monotone in strength, relatives for codecs that were never trained on."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.models.condition import CONDITION_SIZE, FAMILIES, condition, conditions
from lofivpr.quality import Quality


def _of(text: str) -> np.ndarray:
    return condition(Quality.parse(text), 240)


def test_raw_and_unknown_are_the_null_vector() -> None:
    np.testing.assert_array_equal(_of("raw"), np.zeros(CONDITION_SIZE))
    np.testing.assert_array_equal(condition(None, 240), np.zeros(CONDITION_SIZE))
    np.testing.assert_array_equal(conditions(None, 3, 240), np.zeros((3, CONDITION_SIZE)))


def test_the_vector_says_family_strength_and_shrinking() -> None:
    vector = _of("60p/h264:qp48")
    assert vector[FAMILIES.index("h264")] == 1 and vector[: len(FAMILIES)].sum() == 1
    assert vector[len(FAMILIES)] == vector[len(FAMILIES) + FAMILIES.index("h264")] == 1  # the hard end of the scale
    assert vector[-1] == 1  # two octaves, halved
    assert np.count_nonzero(vector) == 4
    assert _of("60p")[0] == 1 and _of("60p")[-1] == 1 and np.count_nonzero(_of("60p")) == 2


@pytest.mark.parametrize(("codec", "relative"), [("webp:20", "h264"), ("avif:20", "av1"), ("vp9:crf50", "h265")])
def test_a_codec_never_trained_on_borrows_its_relative(codec: str, relative: str) -> None:
    assert _of(codec)[FAMILIES.index(relative)] == 1


@given(st.sampled_from(["jpeg:", "webp:", "avif:"]), st.integers(1, 99))
def test_a_lower_still_quality_is_never_weaker(codec: str, setting: int) -> None:
    assert _of(f"{codec}{setting}")[len(FAMILIES)] >= _of(f"{codec}{setting + 1}")[len(FAMILIES)]


@given(st.sampled_from(["h264:qp", "h265:qp", "av1:crf", "vp9:crf"]), st.integers(1, 50))
def test_a_coarser_quantizer_is_never_weaker(codec: str, setting: int) -> None:
    assert _of(f"{codec}{setting}")[len(FAMILIES)] <= _of(f"{codec}{setting + 1}")[len(FAMILIES)]


def test_a_bitrate_is_a_strength_too() -> None:
    strengths = [_of(f"240p/h264:{rate}kbps@10fps")[len(FAMILIES)] for rate in (1000, 300, 100, 30)]
    assert strengths == sorted(strengths) and strengths[0] < strengths[-1]


def test_a_picture_larger_than_the_input_counts_as_not_shrunk() -> None:
    assert _of("480p/jpeg:10")[-1] == 0 and _of("jpeg:10")[-1] == 0
