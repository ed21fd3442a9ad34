from __future__ import annotations

import random
from collections.abc import Callable

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lofivpr.errors import LofiError
from lofivpr.quality.clip import EncodedClip
from lofivpr.quality.video import split_units
from lofivpr.serving.packets import DecodeLimits, PacketDecoder, PacketError

CODECS = ("h264", "h265", "av1", "vp9")
MakeClip = Callable[..., EncodedClip]
FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def packets_of(clip: EncodedClip) -> list[bytes]:
    assert clip.packets is not None
    return clip.packets


@pytest.mark.parametrize("codec", CODECS)
def test_each_packet_gives_its_picture_at_once(codec: str, make_clip: MakeClip) -> None:
    """The same pixels as the channel's own decoder, which is given the whole stream and then its end."""
    clip = make_clip(codec)
    decoder = PacketDecoder(codec)
    for number, (packet, frame) in enumerate(zip(packets_of(clip), clip.frames, strict=True)):
        (picture,) = decoder.decode(packet, 1000 + 3 * number)
        assert picture.frame_id == 1000 + 3 * number and picture.n_bytes == len(packet)
        assert picture.key == clip.keys[number] and picture.size == (160, 120)
        np.testing.assert_array_equal(picture.image(), frame)


@pytest.mark.parametrize("codec", ["h264", "vp9"])
def test_odd_sizes_are_cropped_to_what_the_client_says(codec: str, make_clip: MakeClip) -> None:
    clip = make_clip(codec, count=3, size=(81, 61))
    decoder = PacketDecoder(codec, size=(81, 61))
    for number, packet in enumerate(packets_of(clip)):
        np.testing.assert_array_equal(decoder.decode(packet, number)[0].image(), clip.frames[number])
    with pytest.raises(PacketError, match="expected pictures of 99 x 61 as the hello says, found 82 x 62"):
        PacketDecoder(codec, size=(99, 61)).decode(packets_of(clip)[0], 0)


@pytest.mark.parametrize("codec", CODECS)
def test_a_stream_begins_with_a_key_frame(codec: str, make_clip: MakeClip) -> None:
    packets = packets_of(make_clip(codec))
    decoder = PacketDecoder(codec)
    with pytest.raises(PacketError, match="expected a key frame"):
        decoder.decode(packets[1], 1)
    assert decoder.needs_key
    assert decoder.decode(packets[0], 0) and not decoder.needs_key


@pytest.mark.parametrize("codec", CODECS)
def test_after_a_damaged_packet_the_next_key_frame_is_whole(codec: str, make_clip: MakeClip) -> None:
    clip = make_clip(codec)
    packets = packets_of(clip)
    decoder = PacketDecoder(codec)
    decoder.decode(packets[0], 0)
    with pytest.raises(PacketError):  # by the second at the latest: H.265 conceals the damage of the first
        decoder.decode(packets[1][:4] + bytes(40), 1)  # an H.264 slice whose header says nothing that can be
        decoder.decode(b"\x7f" + bytes(30), 1)
    for number in (2, 3):
        with pytest.raises(PacketError, match="next key frame"):
            decoder.decode(packets[number], number)
    (picture,) = decoder.decode(packets[0], 4)
    assert picture.frame_id == 4
    np.testing.assert_array_equal(picture.image(), clip.frames[0])


def test_a_half_slice_of_h264_is_told_not_shown(make_clip: MakeClip) -> None:
    """FFmpeg would conceal the missing half with the picture before."""
    packets = packets_of(make_clip("h264"))
    decoder = PacketDecoder("h264")
    (whole,) = decoder.decode(packets[0], 0)
    assert whole.frame_id == 0
    with pytest.raises(PacketError, match="damaged|cannot be decoded"):
        decoder.decode(packets[1][: len(packets[1]) // 2], 1)
    assert decoder.needs_key


def mutated(packet: bytes, rng: random.Random) -> bytes:
    """Bytes replaced, removed, inserted, cut off or repeated."""
    data = bytearray(packet)
    for _ in range(rng.randint(1, 8)):
        at = rng.randrange(len(data) + 1)
        kind = rng.randrange(5)
        if kind == 0 and data:
            data[at % len(data)] = rng.randrange(256)
        elif kind == 1:
            del data[at : at + rng.randrange(1, 20)]
        elif kind == 2:
            data[at:at] = rng.randbytes(rng.randrange(1, 20))
        elif kind == 3 and rng.random() < 0.2:
            del data[at:]
        elif kind == 4:
            data[at:at] = data[: rng.randrange(1, 30)]
    return bytes(data)


@pytest.mark.parametrize("codec", CODECS)
@FUZZ
@given(seed=st.integers(0, 2**32))
def test_mutated_packets_never_end_the_decoder(codec: str, seed: int, make_clip: MakeClip) -> None:
    """Whatever comes between, the next key frame gives the picture that it gives alone."""
    clip, rng = make_clip(codec), random.Random(seed)
    packets = packets_of(clip)
    decoder = PacketDecoder(codec, DecodeLimits(pixels=640 * 480))
    for number in range(6):
        packet = packets[rng.randrange(len(packets))]
        try:
            pictures = decoder.decode(mutated(packet, rng) if rng.random() < 0.7 else packet, number)
        except PacketError as error:
            assert decoder.needs_key or "zero bytes" in str(error)
            continue
        for picture in pictures:
            width, height = picture.size
            assert width * height <= 640 * 480 and picture.image().shape == (height, width, 3)
    pictures = []
    for number in (6, 7):  # a stream may reorder since: then it comes with the one behind it
        try:
            pictures += decoder.decode(packets[0], number)
        except PacketError:
            continue
    assert pictures and pictures[-1].frame_id in (6, 7)
    np.testing.assert_array_equal(pictures[-1].image(), clip.frames[0])


@pytest.mark.parametrize("codec", CODECS)
@FUZZ
@given(data=st.binary(max_size=2000), start=st.booleans())
def test_random_bytes_are_refused_or_decoded(codec: str, data: bytes, start: bool) -> None:
    decoder = PacketDecoder(codec, DecodeLimits(pixels=640 * 480))
    prefix = {"h264": b"\0\0\1\x65", "h265": b"\0\0\1\x26\1", "av1": b"\x0a\x0b", "vp9": b"\x82\x49\x83\x42"}[codec]
    try:
        decoder.decode(prefix + data if start else data, 0)
    except PacketError as error:
        assert decoder.needs_key, error


def test_limits(make_clip: MakeClip) -> None:
    packet = packets_of(make_clip("h264"))[0]
    with pytest.raises(PacketError, match=f"at most 100 bytes, found {len(packet)}"):
        PacketDecoder("h264", DecodeLimits(packet_bytes=100)).decode(packet, 0)
    with pytest.raises(PacketError, match=r"expected a packet that is decoded within 1e-09 s"):
        PacketDecoder("h264", DecodeLimits(seconds=1e-9)).decode(packet, 0)
    with pytest.raises(LofiError, match="above 0"):
        DecodeLimits(pixels=0)


@pytest.mark.parametrize("codec", CODECS)
def test_a_large_picture_is_refused(codec: str, make_clip: MakeClip) -> None:
    packet = packets_of(make_clip(codec))[0]
    with pytest.raises(PacketError, match="at most 19199 pixels, found 160 x 120"):
        PacketDecoder(codec, DecodeLimits(pixels=160 * 120 - 1)).decode(packet, 0)
    assert PacketDecoder(codec, DecodeLimits(pixels=160 * 120)).decode(packet, 0)


@pytest.mark.parametrize("codec", CODECS)
def test_a_far_too_large_picture_is_never_made(codec: str, make_clip: MakeClip) -> None:
    """The decoder itself refuses it: the message is the one for what it raised, not for a picture that was made."""
    packet = packets_of(make_clip(codec, count=1, size=(640, 480)))[0]
    with pytest.raises(PacketError, match="cannot be decoded"):
        PacketDecoder(codec, DecodeLimits(pixels=100 * 100)).decode(packet, 0)


def test_a_stream_in_mp4_form_is_told_what_to_change() -> None:
    with pytest.raises(PacketError, match="annexb"):
        PacketDecoder("h264").decode(b"\0\0\0\x10\x65" + bytes(12), 0)
    with pytest.raises(PacketError, match="zero bytes"):
        PacketDecoder("vp9").decode(b"", 0)
    with pytest.raises(PacketError, match="h264, h265, av1, vp9"):
        PacketDecoder("theora")


def with_reordering(frames: list[np.ndarray]) -> list[bytes]:
    """H.264 with B-frames, as no camera of a robot sends it."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt = frames[0].shape[1], frames[0].shape[0], "yuv420p"
    context.framerate, context.thread_count = 10, 1
    context.options = {"x264-params": "bframes=2:b-adapt=0:keyint=60:scenecut=0"}
    out = []
    for number, frame in enumerate(frames):
        raw = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(format="yuv420p")
        raw.pts = number
        out += context.encode(raw)
    return [bytes(packet) for packet in [*out, *context.encode(None)]]


def test_pictures_of_a_stream_that_reorders_keep_their_ids(make_clip: MakeClip) -> None:
    """Each id comes once, with the picture of its packet: the one that is most like the source frame."""
    frames = [np.roll(make_clip("h264").frames[0], 12 * number, axis=1) for number in range(9)]
    packets = with_reordering(frames)
    decoder = PacketDecoder("h264")
    pictures = [picture for number, packet in enumerate(packets) for picture in decoder.decode(packet, number)]
    ids = [picture.frame_id for picture in pictures]
    assert len(ids) == len(set(ids)) and len(ids) >= 5
    shown = [int(np.argmin([np.abs(p.image().astype(int) - frame).mean() for frame in frames])) for p in pictures]
    assert len(set(shown)) == len(shown)
    for picture, number in zip(pictures, shown, strict=True):
        assert picture.n_bytes == len(packets[picture.frame_id]) and (picture.frame_id == 0) == (number == 0)


@pytest.mark.parametrize("codec", ["h264", "h265"])
def test_parameter_sets_may_be_sent_ahead(codec: str, make_clip: MakeClip) -> None:
    """As GStreamer and hardware encoders do: a packet without a picture, then the key frame without its sets."""
    clip = make_clip(codec)
    first = packets_of(clip)[0]
    cut = first.index(split_units(first)[-1])  # one slice a picture
    decoder = PacketDecoder(codec)
    assert decoder.decode(first[:cut], 100) == [] and decoder.given_up() == [100] and decoder.given_up() == []
    (picture,) = decoder.decode(first[cut:], 101)
    np.testing.assert_array_equal(picture.image(), clip.frames[0])
    with pytest.raises(PacketError, match="expected a picture after"):  # they are not kept without end
        for number in range(65536 // cut + 1):
            assert decoder.decode(first[:cut], number) == []


def test_pictures_that_never_come_are_given_up_once(make_clip: MakeClip) -> None:
    """The last pictures of a stream that reorders, when another one begins in their place."""
    packets = with_reordering([make_clip("h264").frames[0]] * 8)
    decoder = PacketDecoder("h264")
    answered, told = [], []
    for number, packet in enumerate([*packets, *(packets[:1] * 20)]):
        answered += [picture.frame_id for picture in decoder.decode(packet, number)]
        told += decoder.given_up()
    assert sorted(answered + told)[: len(packets)] == list(range(len(packets)))
    assert len(set(answered + told)) == len(answered + told)


def test_a_colour_range_that_is_full_is_not_taken_for_limited() -> None:
    """A white picture stays white."""
    context = av.CodecContext.create("libx264", "w")
    context.width, context.height, context.pix_fmt, context.framerate = 64, 48, "yuvj420p", 10
    context.options = {"tune": "zerolatency", "preset": "veryfast", "qp": "10"}
    frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 200, np.uint8), format="rgb24").reformat(format="yuvj420p")
    frame.pts = 0
    packet = b"".join(bytes(one) for one in [*context.encode(frame), *context.encode(None)])
    (picture,) = PacketDecoder("h264").decode(packet, 0)
    assert abs(picture.image().astype(int) - 200).max() <= 3
