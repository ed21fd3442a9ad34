from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lofivpr.media import BadImageError, perspective_view
from lofivpr.quality import Quality, QualityError
from lofivpr.quality import stream as stream_module
from lofivpr.quality.stream import Arrived, footage_of
from recordings import moving, write_clip

STREAMS = ["h264:qp30@10fps", "48p/h265:qp38@10fps,paper", "av1:crf45@5fps", "vp9:crf45@5fps", "h264:60kbps@10fps"]


@dataclass(frozen=True)
class Whole:
    """A stream by the definition: every kept frame through `encode_clip`, which holds them all."""

    images: list[np.ndarray]
    packets: list[bytes]

    @classmethod
    def of(cls, frames: list[np.ndarray], text: str) -> Whole:
        quality = Quality.parse(text)
        clip = quality.encode_clip(frames, quality.fps or 0)
        assert clip.packets is not None
        return cls(clip.frames, clip.packets)


def arrivals(images: list[str], root: Path, text: str, sequences: list[list[str]] | None = None) -> dict[int, Arrived]:
    found: dict[int, Arrived] = {}
    for one in footage_of(images, sequences or []):
        for arrived in one.send(Quality.parse(text), root):
            assert arrived.row not in found
            found[arrived.row] = arrived
    assert sorted(found) == list(range(len(images)))
    return found


@pytest.mark.parametrize("text", STREAMS)
def test_frames_of_a_clip_come_out_of_the_stream_that_the_rate_sends(text: str, tmp_path: Path) -> None:
    images, step = moving(75), 30 // int(Quality.parse(text).fps or 0)
    write_clip(tmp_path / "a.mkv", images, fps=30, codec="ffv1")
    asked = [60, 0, 30, 6]  # in any order
    found = arrivals([f"a.mkv#frame={number}" for number in asked], tmp_path, text)
    whole = Whole.of(images[: 60 + 1 : step], text)
    before = 0
    for row in sorted(range(4), key=lambda row: asked[row]):
        at, arrived = asked[row] // step, found[row]
        assert np.array_equal(arrived.image, whole.images[at])
        assert arrived.n_bytes == len(whole.packets[at])
        since = whole.packets[before : at + 1]
        assert (arrived.sent_bytes, arrived.sent_frames) == (sum(map(len, since)), len(since))
        before = at + 1


def test_a_key_frame_counts_once_in_the_rate(tmp_path: Path) -> None:
    """Pictures a key frame apart cost what the stream costs, not what key frames do."""
    images = moving(121)
    write_clip(tmp_path / "a.mkv", images, fps=30, codec="ffv1")
    found = arrivals([f"a.mkv#frame={n}" for n in (0, 60, 120)], tmp_path, "h264:qp30@30fps")
    whole = Whole.of(images, "h264:qp30@30fps")
    total = sum(one.sent_bytes for one in found.values())
    assert total == sum(map(len, whole.packets)) and sum(one.sent_frames for one in found.values()) == 121
    assert sum(one.n_bytes for one in found.values()) / 3 > 3 * total / 121


@pytest.mark.parametrize("text", ["h264:qp30@10fps", "48p/h265:qp34@10fps,paper"])
def test_views_of_a_panorama_are_streams_of_their_own(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    frames = moving(31, 256, 128)
    write_clip(tmp_path / "pano.mkv", frames + frames, fps=10, codec="ffv1")
    reads: list[list[int]] = []
    real = stream_module.read_frames
    monkeypatch.setattr(stream_module, "read_frames", lambda *given: reads.append(given[1]) or real(*given))
    refs = [f"pano.mkv#frame={number}&yaw={yaw}&fov=90" for number in (0, 10, 30) for yaw in (0, 90, 200)]
    found = arrivals(refs, tmp_path, text)
    assert reads == [list(range(31))], "the clip is decoded once for all views, up to the last picture"
    for view, yaw in enumerate((0, 90, 200)):
        whole = Whole.of([perspective_view(frame, yaw, 0, 90) for frame in frames], text)
        for instant, number in enumerate((0, 10, 30)):
            assert np.array_equal(found[3 * instant + view].image, whole.images[number])
        assert sum(found[3 * i + view].sent_bytes for i in range(3)) == sum(map(len, whole.packets))


def test_uneven_times_decide_what_is_sent(tmp_path: Path) -> None:
    images = moving(40)
    times = np.cumsum([0, *np.random.default_rng(3).integers(1, 6, 39)]).tolist()
    write_clip(tmp_path / "a.mkv", images, fps=30, codec="ffv1", times=times)
    kept = [next(i for i, t in enumerate(times) if t >= tick) for tick in range(0, times[-1] + 1, 6)]  # 5 a second
    kept = sorted(set(kept))
    found = arrivals([f"a.mkv#frame={number}" for number in kept], tmp_path, "h264:qp30@5fps")
    whole = Whole.of([images[number] for number in kept], "h264:qp30@5fps")
    assert all(np.array_equal(found[row].image, image) for row, image in enumerate(whole.images))


def test_pictures_of_a_sequence_are_the_frames_of_a_stream(tmp_path: Path) -> None:
    images = moving(20)
    names = [f"{number:02d}.png" for number in range(20)]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(tmp_path / name)
    (tmp_path / names[15]).unlink()  # behind the last one that is asked for
    found = arrivals(["12.png", "05.png"], tmp_path, "48p/h265:qp34@1fps", [names, ["other.png"]])
    whole = Whole.of(images[:13], "48p/h265:qp34@1fps")
    assert np.array_equal(found[1].image, whole.images[5]) and np.array_equal(found[0].image, whole.images[12])
    assert (found[1].sent_frames, found[0].sent_frames) == (6, 7)
    assert found[1].sent_bytes + found[0].sent_bytes == sum(map(len, whole.packets))


def test_a_picture_that_cannot_be_read(tmp_path: Path) -> None:
    images = moving(6)
    names = [f"{number}.png" for number in range(6)]
    for name, image in zip(names, images, strict=True):
        Image.fromarray(image).save(tmp_path / name)
    for bad in (names[1], names[3]):
        (tmp_path / bad).write_bytes(b"no picture")
    (footage,) = footage_of([names[3], names[5]], [names])
    quality = Quality.parse("h264:qp30@1fps")
    with pytest.raises(BadImageError, match="1.png"):
        list(footage.send(quality, tmp_path))
    found = {one.row: one for one in footage.send(quality, tmp_path, skip_bad=True)}
    whole = Whole.of([images[number] for number in (0, 2, 4, 5)], "h264:qp30@1fps")
    assert np.array_equal(found[1].image, whole.images[3]) and found[1].sent_frames == 4
    assert found[0].image is None and "3.png" in str(found[0].bad)


def test_refusals(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mkv", moving(20), fps=10, codec="ffv1")
    for frames, text, said in (
        ((0, 5), "h264:qp30@1fps", r"frame 5 of .* and 0 others left out.*multiple"),
        ((0, 5), "h264:qp30@11fps", "at least 11 frames per second.*found 10"),
        ((0, 5), "97p/h264:qp30@10fps", "never enlarges"),
        ((0, 20), "h264:qp30@10fps", "expected frame 20.*found 20 frames"),
    ):
        (footage,) = footage_of([f"a.mkv#frame={number}" for number in frames])
        with pytest.raises((QualityError, BadImageError), match=said):
            list(footage.send(Quality.parse(text), tmp_path))
    with pytest.raises(QualityError, match="sequence and frame.*found lonely.png"):
        footage_of(["a.mkv#frame=3", "lonely.png"], [["other.png"]])
