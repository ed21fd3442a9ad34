from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from lofivpr.errors import LofiError
from lofivpr.media import BadImageError, open_image
from lofivpr.quality import Quality, QualityError, degrade_folder, psnr, ssim


@pytest.fixture
def source(tmp_path: Path, picture: np.ndarray, odd_picture: np.ndarray) -> Path:
    folder = tmp_path / "source"
    (folder / "sub").mkdir(parents=True)
    Image.fromarray(picture).save(folder / "a.jpg", quality=95)
    Image.fromarray(odd_picture).save(folder / "sub" / "b.png")
    (folder / "places.csv").write_text("image,place\na.jpg,1\nsub/b.png,2\n")
    (folder / "sub" / "own.csv").write_text("place,image\n7,b.png#yaw=3&fov=90\n8,../a.jpg\n9,gone.jpg\n")
    (folder / "notes.txt").write_text("stays behind")
    return folder


def snapshot(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): f"{hashlib.sha256(path.read_bytes()).hexdigest()} {path.stat().st_mtime_ns}"
        for path in folder.rglob("*")
        if path.is_file()
    }


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "quality.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("text", ["raw", "40p", "jpeg:10", "60p/webp:20", "avif:30", "png", "60p/h264:qp40"])
def test_copy_and_table(text: str, source: Path, tmp_path: Path) -> None:
    quality, before = Quality.parse(text), snapshot(source)
    result = degrade_folder(source, tmp_path / "copy", quality)
    assert snapshot(source) == before
    rows = table(result.path)
    assert [row["source"] for row in rows] == ["a.jpg", "sub/b.png"] and not result.skipped
    for row in rows:
        sharp, degraded = open_image(source / row["source"]), open_image(result.path / row["image"])
        expected = quality.encode(sharp)
        assert np.array_equal(degraded, expected.image)
        assert (int(row["width"]), int(row["height"])) == expected.size
        assert row["bytes"] == ("" if expected.n_bytes is None else str(expected.n_bytes))
        large = degraded
        if degraded.shape != sharp.shape:
            large = cv2.resize(degraded, (sharp.shape[1], sharp.shape[0]), interpolation=cv2.INTER_CUBIC)
        assert float(row["psnr_db"]) == pytest.approx(psnr(sharp, large), rel=1e-4)
        assert float(row["ssim"]) == pytest.approx(ssim(sharp, large), rel=1e-4)


def test_picture_codecs_write_the_bytes_of_the_channel(source: Path, tmp_path: Path) -> None:
    result = degrade_folder(source, tmp_path / "copy", Quality.parse("60p/jpeg:10"))
    for row in result.rows:
        path = result.path / row.image
        assert path.suffix == ".jpg" and path.stat().st_size == row.bytes


def test_raw_copies_the_files(source: Path, tmp_path: Path) -> None:
    degrade_folder(source, tmp_path / "copy", Quality.RAW)
    for name in ("a.jpg", "sub/b.png", "places.csv"):
        assert (tmp_path / "copy" / name).read_bytes() == (source / name).read_bytes()


def test_tables_follow_the_new_names(source: Path, tmp_path: Path) -> None:
    degrade_folder(source, tmp_path / "copy", Quality.parse("jpeg:10"))
    assert (tmp_path / "copy" / "places.csv").read_text() == "image,place\na.jpg,1\nsub/b.jpg,2\n"
    own = (tmp_path / "copy" / "sub" / "own.csv").read_text()
    assert own == "place,image\n7,b.jpg#yaw=3&fov=90\n8,../a.jpg\n9,gone.jpg\n"
    assert not (tmp_path / "copy" / "notes.txt").exists()


def test_no_two_pictures_share_a_name(source: Path, tmp_path: Path) -> None:
    (source / "a.png").write_bytes((source / "sub" / "b.png").read_bytes())
    (source / "a.jpg.png").write_bytes((source / "sub" / "b.png").read_bytes())
    result = degrade_folder(source, tmp_path / "copy", Quality.parse("40p"))
    assert len({row.image for row in result.rows}) == 4
    assert all((result.path / row.image).is_file() for row in result.rows)


def test_bad_pictures_end_it_or_are_listed(source: Path, tmp_path: Path) -> None:
    (source / "a.jpg").write_bytes((source / "a.jpg").read_bytes()[:2000])
    with pytest.raises(BadImageError, match="a.jpg"):
        degrade_folder(source, tmp_path / "copy", Quality.parse("40p"))
    assert not (tmp_path / "copy").exists() and list(tmp_path.iterdir()) == [source]
    result = degrade_folder(source, tmp_path / "copy", Quality.parse("40p"), skip_bad=True)
    assert [row.source for row in result.rows] == ["sub/b.png"]
    assert [name for name, _ in result.skipped] == ["a.jpg"] and "truncated" in result.skipped[0][1]
    assert (tmp_path / "copy" / "places.csv").read_text() == "image,place\nsub/b.png,2\n"


def test_a_resolution_above_the_source_is_no_bad_picture(source: Path, tmp_path: Path) -> None:
    with pytest.raises(QualityError, match="161 x 91"):
        degrade_folder(source, tmp_path / "copy", Quality.parse("100p"), skip_bad=True)


def test_only_new_folders_and_earlier_copies_are_written(source: Path, tmp_path: Path) -> None:
    for bad in (source, source / "sub", source / "new", tmp_path):
        with pytest.raises(QualityError, match="apart from the source"):
            degrade_folder(source, bad, Quality.RAW)
    precious = tmp_path / "precious"
    precious.mkdir()
    (precious / "thesis.txt").write_text("years of work")
    with pytest.raises(QualityError, match="other files"):
        degrade_folder(source, precious, Quality.RAW)
    assert (precious / "thesis.txt").read_text() == "years of work"
    (tmp_path / "copy").mkdir()
    degrade_folder(source, tmp_path / "copy", Quality.parse("40p"))
    degrade_folder(source, tmp_path / "copy", Quality.parse("30p"))
    assert {row["height"] for row in table(tmp_path / "copy")} == {"30"}


def test_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(QualityError, match="expected pictures"):
        degrade_folder(tmp_path / "empty", tmp_path / "copy", Quality.RAW)
    with pytest.raises(QualityError, match="expected a folder"):
        degrade_folder(tmp_path / "missing", tmp_path / "copy", Quality.RAW)


def test_a_full_disk_is_one_clear_message(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(LofiError, match="No space left"):
        degrade_folder(source, tmp_path / "copy", Quality.parse("40p"))
    assert list(tmp_path.iterdir()) == [source]
