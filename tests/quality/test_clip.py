from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from lofivpr.quality import Quality, QualityError, psnr
from lofivpr.quality.clip import send_frames
from lofivpr.quality.video import decode_stream

VIDEO = ["h264:qp30", "h265:qp30", "h264:crf28", "h265:crf28", "av1:crf40", "vp9:crf40", "h265:qp30,paper"]


@pytest.mark.parametrize("text", VIDEO)
def test_a_true_group_of_pictures(text: str, moving: list[np.ndarray]) -> None:
    quality = Quality.parse(text)
    clip = quality.encode_clip(moving, 30)
    assert clip.n_bytes is not None and clip.packets is not None
    assert [len(packet) for packet in clip.packets] == clip.n_bytes
    assert len(clip.frames) == len(clip.n_bytes) == len(clip.keys) == 70
    assert clip.source == list(range(70)) and clip.fps == 30
    assert [i for i, key in enumerate(clip.keys) if key] == [0, 60]
    others = [n for n, key in zip(clip.n_bytes, clip.keys, strict=True) if not key]
    assert np.median(others) < clip.n_bytes[0] / 4
    assert clip.kbps == pytest.approx(sum(clip.n_bytes) * 8 / 1000 / (70 / 30))
    for frame, source in zip(clip.frames, moving, strict=True):
        assert psnr(frame, source) > 24  # a frame out of order is far below
    again = quality.encode_clip(iter(moving), 30)
    assert again.packets == clip.packets


def test_a_clip_beats_stills(moving: list[np.ndarray]) -> None:
    quality = Quality.parse("h264:qp30")
    clip = quality.encode_clip(moving[:30], 30)
    stills = [quality.encode(frame).n_bytes or 0 for frame in moving[:30]]
    assert sum(clip.n_bytes or []) < sum(stills) / 2


def test_the_second_group_decodes_without_the_first(moving: list[np.ndarray]) -> None:
    clip = Quality.parse("h264:qp30").encode_clip(moving, 30)
    assert clip.packets is not None
    tail = list(decode_stream(clip.packets[60:], "h264", (160, 120)))
    assert len(tail) == 10
    assert all(np.array_equal(a, b) for a, b in zip(tail, clip.frames[60:], strict=True))


@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "vp9"])
def test_a_bit_rate_is_kept(codec: str, moving: list[np.ndarray]) -> None:
    rng = np.random.default_rng(0)
    grainy = [np.clip(f + rng.normal(0, 8, f.shape), 0, 255).astype(np.uint8) for f in moving * 3]
    for rate in (30, 120):  # grain needs more than both, so that the rate is what decides
        found = Quality.parse(f"{codec}:{rate}kbps@10fps").encode_clip(grainy, 30).kbps
        assert found == pytest.approx(rate, rel=0.15)


@pytest.mark.parametrize(
    ("fps", "rate", "expected"),
    [(30, 10, list(range(0, 70, 3))), (30, 30, list(range(70))), (29.97, 29.97, list(range(70)))],
)
def test_frames_that_a_rate_keeps(fps: float, rate: float, expected: list[int], moving: list[np.ndarray]) -> None:
    clip = Quality.parse(f"60p/h264:qp30@{rate}fps").encode_clip(moving, fps)
    assert clip.source == expected and len(clip.frames) == len(expected) and clip.fps == rate


def test_an_uneven_rate_keeps_the_first_frame_after_each_tick(moving: list[np.ndarray]) -> None:
    clip = Quality.parse("20p/h264:qp40@7fps").encode_clip(moving, 30)
    ticks = [next(i for i in range(70) if i * 7 >= k * 30) for k in range(17)]
    assert clip.source == ticks


@pytest.mark.parametrize("text", ["raw", "60p", "60p/jpeg:20", "png"])
def test_without_a_video_codec_every_frame_is_a_still(text: str, moving: list[np.ndarray]) -> None:
    quality = Quality.parse(text)
    clip = quality.encode_clip(moving[:3], 30)
    stills = [quality.encode(frame) for frame in moving[:3]]
    assert all(np.array_equal(a, b.image) for a, b in zip(clip.frames, stills, strict=True))
    assert clip.n_bytes == (None if quality.codec is None else [still.n_bytes for still in stills])
    assert clip.keys == [True] * 3 and (clip.kbps is None) == (quality.codec is None)


@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "vp9"])
def test_odd_sizes_are_padded_and_cropped(codec: str, moving: list[np.ndarray]) -> None:
    odd = [frame[:91, :131].copy() for frame in moving[:4]]
    clip = Quality(codec=codec, mode="crf", value=25).encode_clip(odd, 30)
    assert all(psnr(a, b) > 26 and a.shape == (91, 131, 3) for a, b in zip(clip.frames, odd, strict=True))


def test_the_paper_scales_by_bicubic(moving: list[np.ndarray]) -> None:
    area, bicubic = (Quality.parse(f"60p/h265:qp30{p}").resize(moving[0]) for p in ("", ",paper"))
    assert area.shape == bicubic.shape == (60, 80, 3)
    assert 0 < np.abs(area.astype(int) - bicubic).mean() < 6


def test_refusals(moving: list[np.ndarray]) -> None:
    quality = Quality.parse("h264:qp30@10fps")
    with pytest.raises(QualityError, match="found none"):
        quality.encode_clip([], 30)
    with pytest.raises(QualityError, match="never adds frames"):
        quality.encode_clip(moving, 5)
    with pytest.raises(QualityError, match="one size"):
        quality.encode_clip([moving[0], moving[0][:60]], 10)
    with pytest.raises(QualityError, match="never enlarges"):
        Quality.parse("240p/h264:qp30").encode_clip(moving, 30)


@pytest.mark.parametrize(("text", "greatest"), [*((text, 20) for text in VIDEO), ("60p", 1), ("jpeg:20", 1)])
def test_frames_are_sent_one_by_one(text: str, greatest: int, moving: list[np.ndarray]) -> None:
    """A long clip needs no more memory than a short one."""
    asked, ahead = 0, 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal asked
        for image in moving:
            asked += 1
            yield image

    quality = Quality.parse(text)
    whole = quality.encode_clip(moving, 30)
    for number, sent in enumerate(send_frames(quality, frames(), 30)):
        ahead = max(ahead, asked - number)
        assert sent.number == number and sent.original is moving[number] and sent.key == whole.keys[number]
        assert np.array_equal(sent.image, whole.frames[number])
        assert sent.data == (None if whole.packets is None else whole.packets[number])
    assert number == 69 and ahead <= greatest
