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
    family, strength, bent, shrinking = np.split(_of("120p/h264:qp48"), np.cumsum([len(FAMILIES)] * 3))
    h264 = FAMILIES.index("h264")
    assert family[h264] == 1 and family.sum() == 1
    for block in (strength, bent):  # the hard end of the scale
        assert block[0] == block[h264] == 1 and np.count_nonzero(block) == 2
    assert shrinking.tolist() == [0.25, 0.5]  # one octave, halved
    none = _of("60p")
    assert none[0] == 1 and none[-2:].tolist() == [1, 1] and np.count_nonzero(none) == 3


def test_the_second_slope_begins_beyond_the_middle() -> None:
    bent = {setting: _of(f"240p/h264:qp{setting}")[2 * len(FAMILIES)] for setting in (30, 40, 41, 42, 45, 48)}
    assert bent[30] == bent[40] == 0 < bent[41] < bent[42] < bent[45] < bent[48] == 1


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
