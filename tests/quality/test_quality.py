from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from lofivpr.quality import Quality, QualityError, psnr

CHANNELS = [
    *("jpeg:30", "webp:30", "avif:30", "png", "h264:qp30", "h264:crf30", "h265:qp30", "h265:crf30"),
    *("av1:crf40", "vp9:crf40", "h265:qp30,paper"),
]
LADDERS = [
    ["jpeg:80", "jpeg:40", "jpeg:10", "jpeg:5"],
    ["webp:80", "webp:40", "webp:5"],
    ["avif:80", "avif:50", "avif:20"],
    *[[f"{c}:{m}{v}" for v in (20, 30, 40, 48)] for c in ("h264", "h265") for m in ("qp", "crf")],
    ["av1:crf20", "av1:crf40", "av1:crf60"],
    ["vp9:crf20", "vp9:crf40", "vp9:crf60"],
]


@pytest.mark.parametrize("text", ["raw", "60p", "100x40", *CHANNELS, *[f"60p/{c}" for c in CHANNELS]])
@pytest.mark.parametrize("odd", [False, True])
def test_what_comes_out_of_any_channel(text: str, odd: bool, picture: np.ndarray, odd_picture: np.ndarray) -> None:
    image = odd_picture if odd else picture
    before = image.copy()
    quality = Quality.parse(text)
    encoded = quality.encode(image)
    again = quality.encode(image)
    assert str(quality) == text
    assert np.array_equal(image, before)
    assert encoded.image.dtype == np.uint8 and encoded.image.flags.c_contiguous
    assert encoded.size == quality.output_size((image.shape[1], image.shape[0]))
    assert encoded.data == again.data and np.array_equal(encoded.image, again.image)
    if quality.codec is None:
        assert encoded.data is None and encoded.n_bytes is None
    else:
        assert encoded.data is not None and encoded.n_bytes == len(encoded.data)
        assert np.array_equal(quality.decode(encoded.data, encoded.size), encoded.image)
        assert psnr(encoded.image, quality.resize(image)) > 22


def test_raw_is_the_picture_itself_and_png_loses_nothing(picture: np.ndarray) -> None:
    assert Quality.RAW.is_raw and Quality.parse("raw") == Quality.RAW
    assert np.array_equal(Quality.RAW.encode(picture).image, picture)
    assert np.array_equal(Quality.parse("png").encode(picture).image, picture)
    assert not Quality.parse("png").is_raw and not Quality.parse("60p").is_raw


@pytest.mark.parametrize("ladder", LADDERS, ids=lambda ladder: ladder[0])
def test_worse_settings_cost_fewer_bytes_and_more_pixels(ladder: list[str], picture: np.ndarray) -> None:
    encoded = [Quality.parse(text).encode(picture) for text in ladder]
    sizes = [e.n_bytes for e in encoded]
    losses = [psnr(picture, e.image) for e in encoded]
    assert sizes == sorted(sizes, reverse=True) and len(set(sizes)) == len(sizes)
    assert losses == sorted(losses, reverse=True)


@pytest.mark.parametrize("channel", CHANNELS)
def test_colours_stay_where_they_are(channel: str) -> None:
    """A wrong matrix, range or channel order shows as a shift of flat colours."""
    for colour in [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 255, 255), (200, 120, 40)]:
        flat = np.full((48, 64, 3), colour, np.uint8)
        found = Quality.parse(channel).encode(flat).image.reshape(-1, 3).mean(0)
        assert np.abs(found - colour).max() < 9


@pytest.mark.parametrize("channel", CHANNELS)
def test_nothing_moves(channel: str) -> None:
    """Chroma that is sited wrongly, or a crop on the wrong side, moves edges."""
    image = np.zeros((50, 70, 3), np.uint8)
    image[20:, 30:] = (250, 40, 60)
    found = Quality.parse(channel).encode(image).image.astype(int)
    assert np.abs(found[-1, 40:] - image[-1, 40:]).mean() < 12
    assert np.abs(found[22:, 32:] - (250, 40, 60)).mean() < 12
    assert np.abs(found[:18]).mean() < 12 and np.abs(found[:, :28]).mean() < 12
    assert abs((found[25:, :, 0] > 125).sum(1).mean() - 40) <= 1


def test_jpeg_bytes_are_pillows(picture: np.ndarray) -> None:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=10, subsampling=2)
    assert Quality.parse("jpeg:10").encode(picture).data == out.getvalue()


@pytest.mark.parametrize("channel", ["jpeg:30", "avif:30"])
def test_chroma_is_subsampled(channel: str, picture: np.ndarray) -> None:
    data = Quality.parse(channel).encode(picture).data
    assert data is not None
    if channel.startswith("jpeg"):
        with Image.open(io.BytesIO(data)) as image:
            assert [layer[1:3] for layer in image.layer] == [(2, 2), (1, 1), (1, 1)]  # type: ignore[attr-defined]
    else:
        box = data[data.index(b"av1C") + 4 :]
        assert box[2] >> 2 & 3 == 3  # chroma_subsampling_x and _y of the AV1 configuration


@given(st.integers(1, 400), st.integers(1, 400), st.integers(1, 400))
def test_height_keeps_the_aspect(width: int, height: int, asked: int) -> None:
    quality = Quality(height=asked)
    if asked > height:
        with pytest.raises(QualityError, match=f"{width} x {height}"):
            quality.output_size((width, height))
    else:
        out = quality.output_size((width, height))
        assert out[1] == asked and abs(out[0] - width * asked / height) <= max(0.5, 1 - width * asked / height)


@pytest.mark.parametrize("text", ["121p", "121p/jpeg:10", "161x100", "100x121", "4000p/h265:qp30"])
def test_a_quality_never_enlarges(text: str, picture: np.ndarray) -> None:
    with pytest.raises(QualityError, match=r"160 x 120.*never enlarges"):
        Quality.parse(text).encode(picture)


def test_the_source_size_is_the_identity(picture: np.ndarray) -> None:
    assert np.array_equal(Quality.parse("120p").encode(picture).image, picture)
    assert Quality.parse("120p/jpeg:10").encode(picture).data == Quality.parse("jpeg:10").encode(picture).data


@pytest.mark.parametrize(("height", "width"), [(6, 10), (4, 5), (5, 9), (11, 19)])
def test_shrinking_is_the_mean_over_areas(height: int, width: int) -> None:
    """By brute force: every source pixel is cut into small squares, which are then averaged."""
    image = np.random.default_rng(0).integers(0, 256, (12, 20, 3), dtype=np.uint8)
    fine = image.repeat(height, 0).repeat(width, 1).astype(float)
    expected = fine.reshape(height, 12, width, 20, 3).mean((1, 3))
    found = Quality(width=width, height=height).encode(image).image
    assert np.abs(found - expected).max() <= 0.5 + 1e-3


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.sampled_from(CHANNELS))
def test_any_size_comes_back_in_its_size(width: int, height: int, channel: str) -> None:
    image = np.random.default_rng(width).integers(90, 160, (height, width, 3), dtype=np.uint8)
    encoded = Quality.parse(channel).encode(image)
    assert encoded.image.shape == image.shape
    assert np.abs(encoded.image.astype(int) - image).mean() < 40


def test_worker_threads_get_the_same_bytes(odd_picture: np.ndarray) -> None:
    qualities = [Quality.parse(channel) for channel in CHANNELS] * 3
    alone = [quality.encode(odd_picture).data for quality in qualities]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda quality: quality.encode(odd_picture).data, qualities)) == alone


def test_digest_holds_what_decides_pixels_and_bytes() -> None:
    texts = [
        "raw",
        "60p",
        "80x60",
        *CHANNELS,
        *[f"60p/{c}" for c in CHANNELS],
        "jpeg:31",
        "h264:64kbps@10fps",
    ]
    digests = [Quality.parse(text).digest for text in texts]
    assert len(set(digests)) == len(texts)
    assert digests == [Quality.parse(text).digest for text in texts]
    rules = Quality.parse("60p/h265:qp30").rules()
    assert rules["scaler"] == "area" and "4:2:0" in rules["colour"]
    assert "keyint=60" in rules["clip"]["x265-params"] and "ipratio=1:" in rules["still"]["x265-params"]
    assert "ipratio" not in rules["clip"]["x265-params"]
    assert Quality.parse("60p/h265:qp30,paper").rules()["scaler"] == "bicubic"
    assert Quality.parse("jpeg:30").rules()["settings"]["subsampling"] == "4:2:0"


def test_digest_changes_with_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    quality = Quality.parse("jpeg:30")
    before = quality.digest
    monkeypatch.setitem(__import__("lofivpr.quality.stills", fromlist=["x"]).SETTINGS["jpeg"], "optimize", True)
    assert quality.digest != before


def test_a_bit_rate_needs_a_clip(picture: np.ndarray) -> None:
    with pytest.raises(QualityError, match="clip for the bit rate.*@10fps"):
        Quality.parse("h264:64kbps").encode(picture)


@pytest.mark.parametrize("channel", CHANNELS)
def test_damaged_bytes_are_refused(channel: str, picture: np.ndarray) -> None:
    quality = Quality.parse(channel)
    with pytest.raises(QualityError):
        quality.decode(b"", (160, 120))
    with pytest.raises(QualityError):
        quality.decode(b"\x00\x00\x01no picture at all", (160, 120))
    data = quality.encode(picture).data
    assert data is not None
    with pytest.raises(QualityError):
        quality.decode(data, (80, 60))


def test_without_a_codec_there_is_nothing_to_decode() -> None:
    with pytest.raises(QualityError, match="nothing to decode"):
        Quality.parse("60p").decode(b"", (1, 1))


@pytest.mark.parametrize(
    "image",
    [
        *(np.zeros((4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_only_8_bit_rgb_is_taken(image: np.ndarray) -> None:
    with pytest.raises(QualityError, match="uint8 H x W x 3"):
        Quality.RAW.encode(image)
