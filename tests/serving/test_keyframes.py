from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lofivpr.quality import Quality
from lofivpr.quality.clip import EncodedClip
from lofivpr.serving.keyframes import has_start_code, is_key_frame

CODECS = ("h264", "h265", "av1", "vp9")


@pytest.mark.parametrize("codec", CODECS)
def test_key_frames_are_those_the_encoder_says(codec: str, make_clip: Callable[..., EncodedClip]) -> None:
    clip = make_clip(codec)
    assert clip.packets is not None and clip.keys[0] and not all(clip.keys)
    assert [is_key_frame(packet, codec) for packet in clip.packets] == clip.keys


@pytest.mark.parametrize("codec", CODECS)
def test_key_frames_far_into_a_stream(codec: str, make_clip: Callable[..., EncodedClip]) -> None:
    """A group of pictures is 60 frames long, so that 62 frames hold a second key frame."""
    clip = make_clip(codec, count=62, size=(64, 48))
    assert clip.packets is not None and clip.keys.count(True) == 2 and clip.keys[60]
    assert [is_key_frame(packet, codec) for packet in clip.packets] == clip.keys


@pytest.mark.parametrize("codec", CODECS)
def test_a_still_is_a_key_frame(codec: str, make_clip: Callable[..., EncodedClip]) -> None:
    setting = {"h264": "qp40", "h265": "qp40", "av1": "crf50", "vp9": "crf50"}[codec]
    data = Quality.parse(f"{codec}:{setting}").encode(make_clip(codec).frames[0]).data
    assert data is not None and is_key_frame(data, codec)


@given(st.binary(max_size=200), st.sampled_from(CODECS))
def test_any_bytes_are_read(data: bytes, codec: str) -> None:
    assert is_key_frame(data, codec) in (True, False)
    has_start_code(data)


@pytest.mark.parametrize(
    ("data", "codec"),
    [(b"", "h264"), (b"\0\0\1", "h264"), (b"\0\0\1\x41x", "h264"), (b"\0\0\1\x02\1", "h265"), (b"\x86", "vp9")],
)
def test_what_is_no_key_frame(data: bytes, codec: str) -> None:
    assert not is_key_frame(data, codec)


def test_profile_3_of_vp9_has_a_reserved_bit() -> None:
    assert is_key_frame(bytes([0b10_11_0_0_0_0]), "vp9")  # marker, profile 3, reserved, shown anew, key frame
    assert not is_key_frame(bytes([0b10_11_0_0_1_0]), "vp9")
