from __future__ import annotations

from fractions import Fraction
from itertools import count
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from lofivpr.media import BadImageError, count_frames, frame_rate, open_image, read_clip, read_frame, read_frames
from lofivpr.media import clip as clip_module


def frames(number: int = 50) -> list[np.ndarray]:
    """A wide texture that moves; every frame differs from every other."""
    wide = np.random.default_rng(0).integers(0, 256, (6, 20, 3), dtype=np.uint8).repeat(16, 0).repeat(16, 1)
    return [np.ascontiguousarray(np.roll(wide, 3 * i, 1)[:, :128]) for i in range(number)]


def write(path: Path, times: list[int] | None = None, **options: str) -> Path:
    codec, images = options.pop("codec", "libx264"), frames()
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt = 128, 96, "yuv420p"
        stream.options = options
        for time, image in zip(times or count(), images, strict=False):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def sequential(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


CLIPS = {
    "b-frames.mp4": {"bf": "3", "g": "12"},
    "short-gop.mp4": {"bf": "2", "g": "2"},
    "open-gop.mkv": {"bf": "3", "g": "10", "x264-params": "open-gop=1"},
    "one-gop.mp4": {"g": "250"},
    "b-pyramid.mov": {"x264-params": "bframes=8:b-pyramid=normal:keyint=20"},
    "all-intra.mp4": {"g": "1"},
    "vp9.webm": {"codec": "libvpx-vp9", "g": "16", "b": "200k"},
    "old.avi": {"codec": "mpeg4", "g": "10"},
    "h265.mp4": {"codec": "libx265", "g": "12", "x265-params": "log-level=none:open-gop=1:bframes=4"},
    "transport.ts": {"g": "12", "bf": "2"},
    "plain.h264": {"g": "12", "bf": "2"},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips")
    for name, options in CLIPS.items():
        write(path / name, **options)
    return path


@pytest.mark.parametrize("name", CLIPS)
def test_a_frame_by_seek_is_the_frame_in_sequence(name: str, folder: Path) -> None:
    path = folder / name
    expected = sequential(path)
    assert len(expected) == count_frames(path) == 50
    for number in [0, 1, 49, 2, 25, 13, 12, 11, 24, 9, 10, 30]:
        assert np.array_equal(read_frame(path, number), expected[number]), number
    for a, b in zip(expected, frames(), strict=True):
        assert np.abs(a.astype(int) - b).mean() < 16  # the right order at all


@pytest.mark.parametrize("name", ["b-frames.mp4", "open-gop.mkv"])
def test_a_seek_decodes_few_frames(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip_module, "_read_in_sequence", lambda *a: pytest.fail("decoded from the start"))
    for number in range(50):
        read_frame(folder / name, number)


def test_uneven_times(tmp_path: Path) -> None:
    times = np.cumsum(np.random.default_rng(0).integers(1, 9, 50)).tolist()
    path = write(tmp_path / "uneven.mkv", times, bf="2", g="12")
    expected = sequential(path)
    assert len(expected) == 50
    for number in (0, 17, 30, 49):
        assert np.array_equal(read_frame(path, number), expected[number])


def test_reading_in_sequence(folder: Path) -> None:
    path = folder / "b-frames.mp4"
    expected = sequential(path)
    for start, number in [(0, None), (0, 1), (10, 5), (48, 10), (50, None), (3, 0)]:
        found = list(read_clip(path, start, number))
        wanted = expected[start:] if number is None else expected[start : start + number]
        assert len(found) == len(wanted)
        assert all(np.array_equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_a_frame_through_the_one_door(folder: Path) -> None:
    expected = sequential(folder / "b-frames.mp4")
    assert np.array_equal(open_image("b-frames.mp4#frame=17", folder), expected[17])
    assert np.array_equal(open_image(f"file://{folder}/b-frames.mp4#frame=17"), expected[17])


def test_frame_rate(folder: Path) -> None:
    assert frame_rate(folder / "b-frames.mp4") == 25


def test_a_rotated_clip_is_turned_upright(folder: Path, tmp_path: Path) -> None:
    """A phone writes the turn into the track header's matrix; here it is patched in: 90 degrees clockwise."""
    data = bytearray((folder / "all-intra.mp4").read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    matrix = [0, 1 << 16, 0, -(1 << 16), 0, 0, 0, 0, 1 << 30]
    data[at : at + 36] = b"".join(value.to_bytes(4, "big", signed=True) for value in matrix)
    (tmp_path / "turned.mp4").write_bytes(data)
    upright = read_frame(tmp_path / "turned.mp4", 3)
    assert np.array_equal(upright, np.rot90(read_frame(folder / "all-intra.mp4", 3), -1))
    assert np.array_equal(next(read_clip(tmp_path / "turned.mp4", 3, 1)), upright)


def test_a_changed_clip_is_indexed_again(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp4", g="12")
    assert count_frames(path) == 50
    write(tmp_path / "a.mp4", list(range(20)), g="5")
    assert count_frames(path) == 20
    with pytest.raises(BadImageError, match="expected frame 20.*found 20 frames"):
        read_frame(path, 20)


def test_refusals(folder: Path, tmp_path: Path) -> None:
    for name in ("b-frames.mp4", "plain.h264"):
        with pytest.raises(BadImageError, match="expected frame 50.*found 50 frames"):
            read_frame(folder / name, 50)
    with pytest.raises(BadImageError, match="gone.mp4"):
        read_frame(tmp_path / "gone.mp4", 0)
    (tmp_path / "text.mp4").write_text("this is no clip")
    with pytest.raises(BadImageError, match="readable video clip"):
        list(read_clip(tmp_path / "text.mp4"))
    with pytest.raises(BadImageError, match="at most 100 pixels.*128 x 96"):
        read_frame(folder / "vp9.webm", 0, max_pixels=100)


def test_a_clip_without_pictures(tmp_path: Path) -> None:
    path = tmp_path / "sound.wav"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), format="s16", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(BadImageError, match="expected a video"):
        read_frame(path, 0)


def test_a_clip_cut_short(folder: Path, tmp_path: Path) -> None:
    data = (folder / "open-gop.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(data[: len(data) // 2])
    found = count_frames(tmp_path / "cut.mkv")
    assert 0 < found < 50
    assert np.array_equal(read_frame(tmp_path / "cut.mkv", 3), read_frame(folder / "open-gop.mkv", 3))
    data = (folder / "b-frames.mp4").read_bytes()
    (tmp_path / "cut.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(BadImageError, match="cut.mp4"):
        read_frame(tmp_path / "cut.mp4", 3)


def test_chosen_frames_in_one_go(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, turned = sequential(folder / "b-frames.mp4"), []
    real = clip_module._to_rgb
    monkeypatch.setattr(clip_module, "_to_rgb", lambda frame: turned.append(1) or real(frame))
    found = list(read_frames(folder / "b-frames.mp4", [0, 1, 17, 49]))
    assert len(turned) == 4 and all(np.array_equal(a, expected[n]) for a, n in zip(found, (0, 1, 17, 49), strict=True))
    assert list(read_frames(folder / "b-frames.mp4", [])) == []
    with pytest.raises(BadImageError, match="expected frame 50.*found 50 frames"):
        list(read_frames(folder / "b-frames.mp4", [3, 50]))


def test_a_cover_is_no_clip(tmp_path: Path) -> None:
    """A picture that a player shows beside the sound is a video stream for FFmpeg."""
    with av.open(str(tmp_path / "song.mp4"), "w") as file:
        sound = file.add_stream("aac", rate=48000)
        cover = file.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = Disposition.attached_pic
        still = av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), format="rgb24")
        file.mux(cover.encode(still.reformat(format="yuvj420p")))
        for number in range(20):
            heard = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            heard.rate, heard.pts = 48000, 1024 * number
            file.mux(sound.encode(heard))
        file.mux(sound.encode(None))
    with av.open(str(tmp_path / "song.mp4")) as file:
        assert len(file.streams.video) == 1
    with pytest.raises(BadImageError, match="expected a video"):
        read_frame(tmp_path / "song.mp4", 0)
