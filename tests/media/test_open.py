from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lofivpr.errors import LofiError
from lofivpr.media import BadImageError, ImageRef, image_digest, image_size, open_image, perspective_view
from lofivpr.media import open as open_module
from recordings import moving, write_clip


@pytest.fixture
def rgb() -> np.ndarray:
    y, x = np.mgrid[0:40, 0:60]
    return np.stack([x * 4, y * 6, 255 - x - y], 2).astype(np.uint8)


def save(path: Path, image: Image.Image, **options: object) -> Path:
    image.save(path, **options)  # type: ignore[arg-type]
    return path


@pytest.mark.parametrize("suffix", ["png", "webp", "bmp", "tiff", "ppm"])
def test_lossless_files_are_read_exactly(suffix: str, rgb: np.ndarray, tmp_path: Path) -> None:
    options = {"lossless": True} if suffix == "webp" else {}
    path = save(tmp_path / f"a.{suffix}", Image.fromarray(rgb), **options)
    found = open_image(path)
    assert found.dtype == np.uint8 and np.array_equal(found, rgb)
    found[0, 0] = 0  # the caller's own array


@pytest.mark.parametrize("suffix", ["jpg", "avif"])
def test_lossy_files(suffix: str, rgb: np.ndarray, tmp_path: Path) -> None:
    path = save(tmp_path / f"a.{suffix}", Image.fromarray(rgb), quality=95)
    assert np.abs(open_image(path).astype(int) - rgb).mean() < 4


def test_the_content_decides_not_the_suffix(rgb: np.ndarray, tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", Image.fromarray(rgb), format="PNG")
    assert np.array_equal(open_image(path), rgb)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(orientation: int, rgb: np.ndarray, tmp_path: Path) -> None:
    """The eight orientations of EXIF 2.3: where row 0 and column 0 of the stored picture lie."""
    stored_from_upright = {
        1: rgb,
        2: rgb[:, ::-1],
        3: rgb[::-1, ::-1],
        4: rgb[::-1],
        5: rgb.transpose(1, 0, 2),
        6: np.rot90(rgb, 1),
        7: rgb[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(rgb, -1),
    }
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(stored_from_upright[orientation]))
    path = save(tmp_path / "a.png", stored, exif=exif)
    assert np.array_equal(open_image(path), rgb)


def test_grey_and_palette_and_one_bit(rgb: np.ndarray, tmp_path: Path) -> None:
    grey = rgb[..., 0]
    found = open_image(save(tmp_path / "grey.png", Image.fromarray(grey)))
    assert np.array_equal(found, np.repeat(grey[..., None], 3, 2))
    palette = Image.fromarray(rgb).quantize(16)
    found = open_image(save(tmp_path / "palette.png", palette))
    table = np.array(palette.getpalette()).reshape(-1, 3)
    assert np.array_equal(found, table[np.asarray(palette)])
    bits = open_image(save(tmp_path / "bits.png", Image.fromarray(grey > 100)))
    assert np.array_equal(bits[..., 1], np.where(grey > 100, 255, 0))


def test_alpha_lies_over_white(rgb: np.ndarray, tmp_path: Path) -> None:
    alpha = np.zeros((40, 60, 1), np.uint8)
    alpha[:, 20:40] = 128
    alpha[:, 40:] = 255
    path = save(tmp_path / "a.png", Image.fromarray(np.concatenate([rgb, alpha], 2)))
    part = alpha / 255.0
    assert np.abs(open_image(path) - (rgb * part + 255 * (1 - part))).max() <= 1
    grey = Image.fromarray(np.concatenate([rgb[..., :1], alpha], 2), "LA")
    expected = np.repeat(rgb[..., :1] * part + 255 * (1 - part), 3, 2)
    assert np.abs(open_image(save(tmp_path / "la.png", grey)) - expected).max() <= 1


def test_a_transparent_palette_entry_is_white(tmp_path: Path) -> None:
    image = Image.new("P", (4, 4), 0)
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putpixel((0, 0), 1)
    found = open_image(save(tmp_path / "a.png", image, transparency=0))
    assert found[0, 0].tolist() == [40, 50, 60] and found[1, 1].tolist() == [255, 255, 255]


def test_cmyk(tmp_path: Path) -> None:
    ink = np.zeros((16, 16, 4), np.uint8)
    ink[:8, :, 0] = 255  # cyan above
    ink[8:, :, 3] = 255  # black below
    for suffix in ("jpg", "tif"):
        found = open_image(save(tmp_path / f"a.{suffix}", Image.fromarray(ink, "CMYK")))
        assert np.abs(found[2, 2].astype(int) - (0, 255, 255)).max() < 12
        assert found[13, 13].max() < 12


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_16_bits_keep_their_high_byte(suffix: str, tmp_path: Path) -> None:
    deep = np.arange(0, 65536, 64, dtype=np.uint16).reshape(32, 32)
    found = open_image(save(tmp_path / f"a.{suffix}", Image.fromarray(deep)))
    assert np.array_equal(found, np.repeat((deep >> 8).astype(np.uint8)[..., None], 3, 2))


def test_16_bit_colour(tmp_path: Path) -> None:
    import cv2

    deep = np.random.default_rng(0).integers(0, 65536, (8, 9, 3), dtype=np.uint16)
    cv2.imwrite(str(tmp_path / "a.png"), deep[..., ::-1])
    assert np.abs(open_image(tmp_path / "a.png").astype(int) - deep / 257).max() <= 1


def test_other_depths_are_refused(tmp_path: Path) -> None:
    for name, values in [("f", np.ones((4, 4), np.float32)), ("i", np.full((4, 4), 70000, np.int32))]:
        path = save(tmp_path / f"{name}.tif", Image.fromarray(values))
        with pytest.raises(BadImageError, match="16 bits"):
            open_image(path)


def test_bombs_are_refused_before_they_are_decoded(
    rgb: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(rgb))
    assert open_image(path, max_pixels=2400).shape == (40, 60, 3)
    monkeypatch.setattr(Image.Image, "load", lambda self: pytest.fail("decoded"))
    with pytest.raises(BadImageError, match="at most 2399 pixels.*60 x 40"):
        open_image(path, max_pixels=2399)


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("side", [10_000, 60_000])
def test_a_small_file_of_many_pixels(side: int, tmp_path: Path) -> None:
    out = io.BytesIO()
    Image.new("1", (8, 8)).save(out, "PNG")
    data = bytearray(out.getvalue())
    data[16:24] = side.to_bytes(4, "big") * 2
    import zlib

    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    (tmp_path / "bomb.png").write_bytes(data)
    with pytest.raises(BadImageError, match="at most 89478485 pixels"):
        open_image(tmp_path / "bomb.png")


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "tif"])
def test_truncated_files(suffix: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(tmp_path / f"a.{suffix}", Image.fromarray(noise))
    data = path.read_bytes()
    for part in (0.1, 0.5, 0.95):
        path.write_bytes(data[: int(len(data) * part)])
        with pytest.raises(BadImageError) as caught:
            open_image(path)
        assert path.name in str(caught.value)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + b"\0" * 40, "HEIC"),
        (b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic" + b"\0" * 40, "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0isomavc1" + b"\0" * 40, "frame=0"),
        (b"\x1aE\xdf\xa3" + b"\0" * 40, "frame=0"),
        (b"\xff\x0a" + b"\0" * 40, "JPEG XL"),
        (b"", "an empty file"),
        (b"<html>404</html>", "HTML"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS"),
        (b"just some bytes", "unknown bytes"),
    ],
)
def test_what_cannot_be_read_is_named(data: bytes, words: str, tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(data)
    with pytest.raises(BadImageError, match="a.jpg") as caught:
        open_image(tmp_path / "a.jpg")
    assert words in str(caught.value) and isinstance(caught.value, LofiError)


def test_missing_files_and_folders(tmp_path: Path) -> None:
    for path in (tmp_path / "gone.jpg", tmp_path):
        with pytest.raises(BadImageError, match="expected a picture at"):
            open_image(path)
    with pytest.raises(BadImageError, match="expected a file at"):
        image_digest(tmp_path / "gone.jpg")


def test_roots_absolute_paths_and_urls(rgb: np.ndarray, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(rgb))
    for ref, root in [
        ("a.png", tmp_path),
        (path, "/nowhere"),
        (f"file://{path}", "/nowhere"),
        ("a.png", f"file://{tmp_path}"),
    ]:
        assert np.array_equal(open_image(ref, root), rgb)
    import fsspec

    with fsspec.open("memory://pictures/a.png", "wb") as file:
        file.write(path.read_bytes())
    assert np.array_equal(open_image("memory://pictures/a.png"), rgb)
    assert image_digest("memory://pictures/a.png") == image_digest(path)


def test_a_view_of_a_panorama(tmp_path: Path) -> None:
    panorama = np.random.default_rng(0).integers(0, 256, (64, 128, 3), dtype=np.uint8)
    path = save(tmp_path / "p.png", Image.fromarray(panorama))
    found = open_image(ImageRef(str(path), yaw=40, fov=80))
    assert np.array_equal(found, perspective_view(panorama, 40, 0, 80))
    assert np.array_equal(open_image("p.png#yaw=40&fov=80", tmp_path), found)


def test_digest_follows_content_and_fragment(rgb: np.ndarray, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", Image.fromarray(rgb))
    copy = tmp_path / "copy.png"
    copy.write_bytes(path.read_bytes())
    assert image_digest(path) == image_digest(copy) == image_digest("a.png", tmp_path)
    names = ["a.png", "a.png#frame=1", "a.png#frame=2", "a.png#yaw=1&fov=90", "a.png#yaw=1&fov=80"]
    assert len({image_digest(name, tmp_path) for name in names}) == 5
    before = image_digest(path)
    path.write_bytes(path.read_bytes() + b"\0")
    assert image_digest(path) != before


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "avif", "tiff"])
@pytest.mark.parametrize("orientation", [None, *range(1, 9)])
def test_the_size_is_that_of_the_opened_picture(
    suffix: str, orientation: int | None, rgb: np.ndarray, tmp_path: Path
) -> None:
    exif = Image.Exif()
    if orientation is not None:
        exif[0x0112] = orientation
    save(tmp_path / f"a.{suffix}", Image.fromarray(rgb), exif=exif)
    height, width = open_image(f"a.{suffix}", tmp_path).shape[:2]
    assert image_size(f"a.{suffix}", tmp_path) == (width, height)


def test_the_size_of_a_view_is_not_the_panoramas(rgb: np.ndarray, tmp_path: Path) -> None:
    save(tmp_path / "a.png", Image.fromarray(rgb).resize((80, 40)))
    height, width = open_image("a.png#yaw=40&fov=90", tmp_path).shape[:2]
    assert image_size("a.png#yaw=40&fov=90", tmp_path) == (width, height) != (80, 40)


def test_no_size_without_a_picture(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"no picture")
    for name in ("a.jpg", "gone.jpg"):
        with pytest.raises(BadImageError, match=name):
            image_size(name, tmp_path)


def test_views_of_a_frame_decode_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_clip(tmp_path / "pano.mkv", moving(3, 128, 64), codec="ffv1")
    decoded: list[int] = []
    real = open_module.read_frame
    monkeypatch.setattr(open_module, "read_frame", lambda *given: decoded.append(given[1]) or real(*given))
    for frame in (0, 1):
        for yaw in range(0, 360, 45):
            found = open_image(f"pano.mkv#frame={frame}&yaw={yaw}&fov=90", tmp_path)
            assert np.array_equal(found, perspective_view(moving(3, 128, 64)[frame], yaw, 0, 90))
    assert decoded == [0, 1]
    write_clip(tmp_path / "pano.mkv", moving(3, 128, 64)[::-1], codec="ffv1")
    assert np.array_equal(
        open_image("pano.mkv#frame=0&yaw=9&fov=90", tmp_path), perspective_view(moving(3, 128, 64)[2], 9, 0, 90)
    ), "a changed clip is decoded again"
