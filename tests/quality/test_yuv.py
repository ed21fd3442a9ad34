from __future__ import annotations

import av
import numpy as np

from lofivpr.quality.yuv import from_yuv420, to_yuv420


def test_planes_by_the_formula_of_bt601() -> None:
    image = np.random.default_rng(0).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    planes = to_yuv420(image).reshape(-1)
    y, u, v = planes[:48].reshape(6, 8), planes[48:60].reshape(3, 4), planes[60:].reshape(3, 4)
    for row in range(6):
        for column in range(8):
            r, g, b = (float(c) for c in image[row, column])
            assert abs(y[row, column] - (16 + 219 / 255 * (0.299 * r + 0.587 * g + 0.114 * b))) <= 0.6
    for row in range(3):
        for column in range(4):
            r, g, b = image[2 * row : 2 * row + 2, 2 * column : 2 * column + 2].reshape(4, 3).mean(0)
            luma = 0.299 * r + 0.587 * g + 0.114 * b
            assert abs(u[row, column] - (128 + 224 / 255 * (b - luma) / 1.772)) <= 1.1
            assert abs(v[row, column] - (128 + 224 / 255 * (r - luma) / 1.402)) <= 1.1


def test_ffmpeg_agrees(picture: np.ndarray) -> None:
    frame = av.VideoFrame.from_ndarray(picture, format="rgb24").reformat(format="yuv420p")
    theirs, ours = frame.to_ndarray(), to_yuv420(picture)
    assert theirs.shape == ours.shape == (180, 160)
    assert np.abs(theirs[:120].astype(int) - ours[:120]).max() <= 1
    assert np.abs(theirs[120:].astype(int) - ours[120:]).mean() < 2


def test_there_and_back_keeps_smooth_pictures() -> None:
    x, y = np.meshgrid(np.arange(64), np.arange(48))
    image = np.stack([x * 3 + 20, y * 4 + 10, 200 - x - y], 2).astype(np.uint8)
    assert np.abs(from_yuv420(to_yuv420(image)).astype(int) - image).max() <= 6
    flat = np.full((48, 64, 3), (12, 200, 77), np.uint8)
    assert np.abs(from_yuv420(to_yuv420(flat)).astype(int) - flat).max() <= 1


def test_chroma_is_interpolated_between_the_centres_of_its_squares() -> None:
    planes = np.full((6, 8), 128, np.uint8)
    planes[:4] = 120
    planes.reshape(-1)[32 + 8 :] = np.tile([100, 120, 140, 160], 2)  # V rises by 10 a pixel
    red = from_yuv420(planes)[0, :, 0].astype(float)
    chroma = np.interp(np.arange(8), [0.5, 2.5, 4.5, 6.5], [100, 120, 140, 160])
    assert np.abs(red - (255 / 219 * (120 - 16) + 1.402 * 255 / 224 * (chroma - 128))).max() <= 2
