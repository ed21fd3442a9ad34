from __future__ import annotations

import csv
import shutil
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from PIL import Image

from lofivpr.media import BadImageError, count_frames, frame_rate, open_image, read_clip
from lofivpr.quality import Quality, QualityError, degrade_folder, psnr, ssim
from lofivpr.quality.video import split_units


def write_clip(path: Path, images: list[np.ndarray], fps: Fraction = Fraction(10)) -> None:
    """Pictures as a clip that gives them back exactly."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("ffv1", fps)
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "bgr0"
        for image in images:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture
def source(tmp_path: Path, moving: list[np.ndarray], picture: np.ndarray) -> Path:
    folder = tmp_path / "source"
    (folder / "day").mkdir(parents=True)
    write_clip(folder / "day" / "drive.mkv", moving[:12])
    Image.fromarray(picture).save(folder / "a.png")
    lines = [f"day/drive.mkv#frame={n},{n}" for n in range(12)]
    (folder / "places.csv").write_text("\n".join(["image,place", *lines, "a.png,12", "day/drive.mkv,all"]) + "\n")
    (folder / "day" / "own.csv").write_text("image,place\ndrive.mkv#frame=6&yaw=3&fov=90,1\ndrive.mkv#frame=7,2\n")
    return folder


def frame_rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "quality.csv").open(newline="") as file:
        return [row for row in csv.DictReader(file) if "#frame=" in row["image"]]


@pytest.mark.parametrize(
    "text", ["h264:qp40", "60p/h265:qp35,paper", "av1:crf50", "60p/vp9:crf50", "40p", "60p/jpeg:10"]
)
def test_a_row_for_every_frame(text: str, source: Path, tmp_path: Path, moving: list[np.ndarray]) -> None:
    before = (source / "day" / "drive.mkv").read_bytes()
    quality = Quality.parse(text)
    copy = degrade_folder(source, tmp_path / "copy", quality)
    name = f"day/drive.{'mp4' if quality.is_video else 'mkv'}"
    assert copy.clips == {"day/drive.mkv": name} and not copy.skipped
    assert (source / "day" / "drive.mkv").read_bytes() == before
    expected = quality.encode_clip(moving[:12], 10)
    rows = frame_rows(copy.path)
    assert [row["image"] for row in rows] == [f"{name}#frame={n}" for n in range(12)]
    assert [row["source"] for row in rows] == [f"day/drive.mkv#frame={n}" for n in range(12)]
    for number, row in enumerate(rows):
        sharp, sent = moving[number], expected.frames[number]
        large = cv2.resize(sent, (160, 120), interpolation=cv2.INTER_CUBIC) if sent.shape != sharp.shape else sent
        assert row["bytes"] == ("" if expected.n_bytes is None else str(expected.n_bytes[number]))
        assert (int(row["width"]), int(row["height"])) == (sent.shape[1], sent.shape[0])
        assert float(row["psnr_db"]) == pytest.approx(psnr(sharp, large), rel=1e-4)
        assert float(row["ssim"]) == pytest.approx(ssim(sharp, large), rel=1e-4)


@pytest.mark.parametrize("text", ["h264:qp40", "60p/h265:qp35", "av1:crf50", "vp9:crf50"])
def test_the_file_holds_the_very_stream(text: str, source: Path, tmp_path: Path, moving: list[np.ndarray]) -> None:
    quality = Quality.parse(text)
    degrade_folder(source, tmp_path / "copy", quality)
    path = tmp_path / "copy" / "day" / "drive.mp4"
    clip = quality.encode_clip(moving[:12], 10)
    assert clip.packets is not None
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        packets = [bytes(packet) for packet in container.demux(stream) if packet.size]
    if quality.codec in ("h264", "h265"):  # MP4 has the length before a unit, where the stream has a start code
        wanted = [[unit.lstrip(b"\0")[1:] for unit in split_units(data)] for data in clip.packets]
        found = [_units(data) for data in packets]
        for ours, theirs in zip(wanted, found, strict=True):
            assert theirs and [unit for unit in ours if unit in theirs] == theirs, "no slice was changed"
            assert ours[-1] == theirs[-1]
    else:  # MP4 leaves out AV1's temporal delimiters, two bytes
        assert packets == [data.removeprefix(b"\x12\0") for data in clip.packets]
    decoded = list(read_clip(path))
    assert frame_rate(path) == 10 and len(decoded) == 12
    for frame, sent in zip(decoded, clip.frames, strict=True):  # another conversion of the same planes to RGB
        assert psnr(frame, sent) > 33


def _units(data: bytes) -> list[bytes]:
    units = []
    while data:
        length = int.from_bytes(data[:4], "big")
        units.append(data[4 : 4 + length])
        data = data[4 + length :]
    return units


@pytest.mark.parametrize("text", ["40p", "png", "60p/webp:20", "raw"])
def test_without_a_video_codec_the_frames_are_exact(
    text: str, source: Path, tmp_path: Path, moving: list[np.ndarray]
) -> None:
    write_clip(source / "day" / "odd.mkv", [image[:91, :131] for image in moving[:3]], Fraction(30000, 1001))
    quality = Quality.parse(text)
    copy = degrade_folder(source, tmp_path / "copy", quality)
    for name, images in (("drive", moving[:12]), ("odd", [image[:91, :131] for image in moving[:3]])):
        path = copy.path / "day" / f"{name}.mkv"
        expected = quality.encode_clip(images, 10).frames
        assert all(np.array_equal(a, b) for a, b in zip(read_clip(path), expected, strict=True))
    assert frame_rate(copy.path / "day" / "odd.mkv") == pytest.approx(30000 / 1001, rel=1e-4)
    if quality.is_raw:
        assert (copy.path / "day" / "odd.mkv").read_bytes() == (source / "day" / "odd.mkv").read_bytes()


def test_tables_follow_the_frames_that_a_rate_keeps(source: Path, tmp_path: Path) -> None:
    copy = degrade_folder(source, tmp_path / "copy", Quality.parse("60p/h264:qp40@5fps"))
    path = copy.path / "day" / "drive.mp4"
    assert count_frames(path) == 6 and frame_rate(path) == 5
    rows = frame_rows(copy.path)
    assert [(row["image"][-1], row["source"].partition("=")[2]) for row in rows] == [
        (str(n), str(2 * n)) for n in range(6)
    ]
    kept = [f"day/drive.mp4#frame={n},{2 * n}" for n in range(6)]
    assert (copy.path / "places.csv").read_text().split() == ["image,place", *kept, "a.png,12", "day/drive.mp4,all"]
    assert (copy.path / "day" / "own.csv").read_text().split() == ["image,place", "drive.mp4#frame=3&yaw=3&fov=90,1"]
    assert open_image("day/drive.mp4#frame=5", root=copy.path).shape == (60, 80, 3)


def test_one_frame_is_a_clip_too(source: Path, tmp_path: Path, moving: list[np.ndarray]) -> None:
    write_clip(source / "day" / "drive.mkv", moving[:1])
    for number, text in enumerate(("h264:qp40", "h265:qp40", "av1:crf50", "vp9:crf50", "40p")):
        copy = degrade_folder(source, tmp_path / str(number), Quality.parse(text))
        assert [count_frames(copy.path / name) for name in copy.clips.values()] == [1]


def test_a_bit_rate_is_for_clips_alone(source: Path, tmp_path: Path) -> None:
    quality = Quality.parse("h264:40kbps")
    with pytest.raises(QualityError, match=r"a\.png: expected a clip for the bit rate"):
        degrade_folder(source, tmp_path / "copy", quality)
    (source / "a.png").unlink()
    assert len(degrade_folder(source, tmp_path / "copy", quality).rows) == 12


@pytest.mark.parametrize(
    ("text", "said"),
    [("h264:qp30@11fps", "at least 11 frames per second"), ("121p/h264:qp30", "never enlarges"), ("500p", "160 x 120")],
)
def test_a_quality_that_does_not_fit_names_the_clip(text: str, said: str, source: Path, tmp_path: Path) -> None:
    (source / "a.png").unlink()
    with pytest.raises(QualityError, match=rf"day/drive\.mkv: .*{said}"):
        degrade_folder(source, tmp_path / "copy", Quality.parse(text), skip_bad=True)
    assert list(tmp_path.iterdir()) == [source]


@pytest.mark.parametrize("damage", ["text", "cut"])
def test_a_bad_clip_ends_it_or_is_listed(damage: str, source: Path, tmp_path: Path) -> None:
    shutil.copy(source / "day" / "drive.mkv", source / "day" / "good.mkv")
    path = source / "day" / "drive.mkv"
    path.write_bytes(b"no clip" if damage == "text" else path.read_bytes()[:200])
    with pytest.raises(BadImageError, match="drive.mkv"):
        degrade_folder(source, tmp_path / "copy", Quality.parse("h264:qp40"))
    assert list(tmp_path.iterdir()) == [source]
    copy = degrade_folder(source, tmp_path / "copy", Quality.parse("h264:qp40"), skip_bad=True)
    assert [name for name, _ in copy.skipped] == ["day/drive.mkv"] and list(copy.clips) == ["day/good.mkv"]
    assert not (copy.path / "day" / "drive.mp4").exists()
    assert (copy.path / "places.csv").read_text() == "image,place\na.png,12\n"


def test_a_clip_beside_a_picture_of_its_name(source: Path, tmp_path: Path, moving: list[np.ndarray]) -> None:
    write_clip(source / "a.mkv", moving[:2])
    write_clip(source / "a.mov", moving[:2])
    copy = degrade_folder(source, tmp_path / "copy", Quality.parse("40p"))
    assert copy.clips == {"a.mkv": "a.mkv.mkv", "a.mov": "a.mov.mkv", "day/drive.mkv": "day/drive.mkv.mkv"}
    (source / "a.mov").unlink()
    assert degrade_folder(source, tmp_path / "copy", Quality.parse("40p")).clips["a.mkv"] == "a.mkv"
