"""Reads the streams bit by bit, as ITU-T H.264 and H.265 write them down, independently of the package."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lofivpr.quality import Quality
from lofivpr.quality.video import pad, padded_size, split_units, without_messages
from lofivpr.quality.yuv import from_yuv420


class Bits:
    """A reader of a NAL unit's payload."""

    def __init__(self, unit: bytes) -> None:
        payload = unit.replace(b"\0\0\3", b"\0\0")
        self.text = "".join(f"{byte:08b}" for byte in payload)
        self.at = 0

    def u(self, count: int) -> int:
        self.at += count
        return int(self.text[self.at - count : self.at] or "0", 2)

    def ue(self) -> int:
        zeros = 0
        while self.u(1) == 0:
            zeros += 1
        return (1 << zeros) - 1 + (self.u(zeros) if zeros else 0)

    def se(self) -> int:
        code = self.ue()
        return (code + 1) // 2 if code % 2 else -(code // 2)


def units(data: bytes) -> list[bytes]:
    """NAL units without start codes, found by a plain split."""
    return [part.rstrip(b"\0") if part[-1:] == b"\0" else part for part in data.split(b"\0\0\1")[1:]]


def h264_slice_qps(data: bytes) -> list[int]:
    """QP of the slices of an IDR picture; ITU-T H.264 7.3.2.1, 7.3.2.2 and 7.3.3."""
    qps: list[int] = []
    frame_bits = poc_bits = init_qp = 0
    bottom = False
    for unit in units(data):
        kind, bits = unit[0] & 31, Bits(unit[1:])
        if kind == 7:
            profile = bits.u(8)
            bits.u(16)
            bits.ue()
            if profile in (100, 110, 122, 244):
                assert bits.ue() == 1  # 4:2:0
                assert (bits.ue(), bits.ue()) == (0, 0)  # 8 bits
                bits.u(1)
                assert bits.u(1) == 0
            frame_bits = bits.ue() + 4
            kind_of_poc = bits.ue()
            assert kind_of_poc in (0, 2)
            poc_bits = bits.ue() + 4 if kind_of_poc == 0 else 0
        elif kind == 8:
            bits.ue(), bits.ue(), bits.u(1)
            bottom = bool(bits.u(1))
            assert bits.ue() == 0
            bits.ue(), bits.ue(), bits.u(3)
            init_qp = 26 + bits.se()
        elif kind == 5:
            bits.ue()
            assert bits.ue() % 5 == 2  # an I slice
            bits.ue(), bits.u(frame_bits), bits.ue(), bits.u(poc_bits)
            if bottom and poc_bits:
                bits.se()
            bits.u(2)
            qps.append(init_qp + bits.se())
        else:
            assert kind in (1, 9), kind
    return qps


def h265_slice_qps(data: bytes) -> list[int]:
    """QP of the slices of an IDR picture; ITU-T H.265 7.3.2.2, 7.3.2.3 and 7.3.6."""
    qps: list[int] = []
    init_qp = extra = 0
    sao = output_flag = False
    for unit in units(data):
        kind, bits = unit[0] >> 1 & 63, Bits(unit[2:])
        if kind == 33:
            bits.u(4)
            assert bits.u(3) == 0
            bits.u(1 + 96)
            bits.ue()
            assert bits.ue() == 1  # 4:2:0
            bits.ue(), bits.ue()
            if bits.u(1):
                [bits.ue() for _ in range(4)]
            assert (bits.ue(), bits.ue()) == (0, 0)  # 8 bits
            bits.ue(), bits.u(1)
            [bits.ue() for _ in range(3 + 6)]
            assert bits.u(1) == 0  # no scaling lists
            bits.u(1)
            sao = bool(bits.u(1))
        elif kind == 34:
            bits.ue(), bits.ue(), bits.u(1)
            output_flag = bool(bits.u(1))
            extra = bits.u(3)
            bits.u(2), bits.ue(), bits.ue()
            init_qp = 26 + bits.se()
            bits.u(2)
            assert bits.u(1) == 0  # no QP changes inside the picture
        elif kind in (19, 20):
            assert bits.u(1) == 1
            bits.u(1), bits.ue(), bits.u(extra)
            assert bits.ue() == 2  # an I slice
            bits.u(int(output_flag))
            bits.u(2 if sao else 0)
            qps.append(init_qp + bits.se())
        else:
            assert kind in (1, 32, 35), kind
    return qps


SLICE_QPS = {"h264": h264_slice_qps, "h265": h265_slice_qps}


@pytest.mark.parametrize("qp", [1, 18, 26, 30, 42, 51])
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_still_is_coded_at_the_qp_that_is_named(codec: str, qp: int, picture: np.ndarray) -> None:
    data = Quality.parse(f"{codec}:qp{qp}").encode(picture).data
    assert data is not None
    assert SLICE_QPS[codec](data) == [qp]


@pytest.mark.parametrize("preset", ["", ",paper"])
@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_a_clip_keeps_the_encoders_finer_key_frames(codec: str, preset: str, moving: list[np.ndarray]) -> None:
    clip = Quality.parse(f"{codec}:qp36{preset}").encode_clip(moving[:2], 30)
    assert clip.packets is not None
    assert SLICE_QPS[codec](clip.packets[0]) == [33]  # 36 - 6 log2(1.4), rounded


@pytest.mark.parametrize("codec", ["h264", "h265"])
@pytest.mark.parametrize("setting", ["qp36", "crf30", "100kbps@30fps"])
def test_streams_hold_parameter_sets_and_no_messages(codec: str, setting: str, moving: list[np.ndarray]) -> None:
    quality = Quality.parse(f"{codec}:{setting}")
    clip = quality.encode_clip(moving[:3], 30)
    assert clip.packets is not None
    streams = [b"".join(clip.packets)]
    if "kbps" not in setting:
        streams.append(quality.encode(moving[0]).data or b"")
    for data in streams:
        shift, mask = (0, 31) if codec == "h264" else (1, 63)
        kinds = {unit[0] >> shift & mask for unit in units(data)}
        assert ({7, 8} if codec == "h264" else {32, 33, 34}) <= kinds
        assert not kinds & ({6} if codec == "h264" else {39, 40})
        assert b"x264" not in data and b"x265" not in data


def test_the_message_of_x264_is_what_is_dropped(picture: np.ndarray) -> None:
    """The encoder does write it, so the test above tests something; the rest stays bit for bit."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = 160, 120, "yuv420p"
    context.time_base, context.framerate = Fraction(1, 25), Fraction(25)
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
    packets = context.encode(frame) + context.encode(None)
    data = bytes(packets[0])
    lean = without_messages(data, "h264")
    assert b"x264 - core" in data and b"x264" not in lean
    assert len(data) - len(lean) > 500
    kept = [unit for unit in units(data) if unit[0] & 31 != 6]
    assert units(lean) == kept
    assert b"".join(split_units(data)) == data


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0", bytes(range(1, 200))])
def test_bytes_without_a_start_code_hold_no_unit(data: bytes) -> None:
    assert split_units(data) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (16, 16), (17, 31), (320, 240)])
def test_padding_repeats_the_edge(size: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    padded = pad(image)
    width, height = padded_size(size)
    assert padded.shape == (height, width, 3)
    assert width % 2 == height % 2 == 0 and 0 <= width - size[0] <= max(1, 16 - size[0])
    for y in range(height):
        for x in range(0, width, 7):
            assert np.array_equal(padded[y, x], image[min(y, size[1] - 1), min(x, size[0] - 1)])


@pytest.mark.parametrize(("codec", "suffix"), [("h264", "h264"), ("h265", "hevc")])
def test_ffmpegs_demuxers_read_the_bytes_as_a_file(
    codec: str, suffix: str, picture: np.ndarray, tmp_path: Path
) -> None:
    encoded = Quality.parse(f"{codec}:qp30").encode(picture)
    path = tmp_path / f"still.{suffix}"
    path.write_bytes(encoded.data or b"")
    with av.open(str(path)) as container:
        planes = [frame.to_ndarray(format="yuv420p") for frame in container.decode(video=0)]
    assert len(planes) == 1
    assert np.array_equal(from_yuv420(planes[0]), encoded.image)
